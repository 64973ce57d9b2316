use greenroom::prelude::*;

#[protocol]
enum Mail {
    Tick,
}

struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx {
            Mail::Tick => Ok(()),
        })
    }
}

fn main() {}
