use std::rc::Rc;

use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail)]
struct Sorter {
    letters: Rc<Vec<String>>,
}

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx {
            Mail::Post { body } => println!("{body} after {}", self.letters.len()),
        });
        Ok(())
    }
}

fn main() {}
