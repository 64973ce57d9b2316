use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

#[actor(protocol = Mail)]
struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, _cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match self {
            Mail::Tick => Ok(()),
        })
    }
}

fn main() {}
