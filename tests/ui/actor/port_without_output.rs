use std::process::Command;

use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail)]
struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.port(Command::new("sort"))?;
        Ok(())
    }
}

fn main() {}
