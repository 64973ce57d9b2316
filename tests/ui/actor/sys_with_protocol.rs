use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail, sys)]
#[derive(Debug)]
struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, _cx: &mut Context<Self>) -> Result<(), Exit> {
        Ok(())
    }
}

fn main() {}
