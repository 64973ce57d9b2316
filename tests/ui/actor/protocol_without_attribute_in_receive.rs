use greenroom::prelude::*;

enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail)]
struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let body = receive!(match cx { Mail::Post { body } => body });
        println!("{body}");
        Ok(())
    }
}

fn main() {}
