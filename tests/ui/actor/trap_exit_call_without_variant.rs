use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

fn trap(cx: &Context<Sorter>) {
    cx.trap_exit(true);
}

#[actor(protocol = Mail)]
struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, _cx: &mut Context<Self>) -> Result<(), Exit> {
        Ok(())
    }
}

fn main() {}
