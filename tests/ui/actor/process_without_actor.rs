use greenroom::prelude::*;

struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        Ok(())
    }
}

fn main() {}
