use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail)]
struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, _cx: &mut Context<Self>) -> Result<(), Exit> {
        let limit: Result<u8, String> = Err("no limit".to_owned());
        limit?;
        Ok(())
    }
}

fn main() {}
