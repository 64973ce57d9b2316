use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[init]
    fn init(&mut self, start: u64) {
        self.count = start;
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

fn main() {}
