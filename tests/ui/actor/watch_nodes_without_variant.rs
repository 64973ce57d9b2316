use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

fn watch(cx: &Context<Sorter>) {
    cx.watch_nodes(true);
}

#[actor(protocol = Mail)]
struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, _cx: &mut Context<Self>) -> Result<(), Exit> {
        Ok(())
    }
}

fn main() {}
