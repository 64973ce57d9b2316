use greenroom::prelude::*;

struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, _cx: &mut Context<Self>) -> Result<(), Exit> {
        Ok(())
    }
}

fn start() {
    Sorter.spawn();
}

fn main() {}
