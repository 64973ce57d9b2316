use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail)]
struct Sorter {
    letters: Vec<String>,
}

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            cx.upgrade_point(self).await;
            receive!(match cx { Mail::Post { body } => self.letters.push(body) });
        }
    }
}

fn main() {}
