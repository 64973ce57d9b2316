use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self) -> u64 {
        self.count
    }

    #[private]
    fn reset(&mut self) {
        self.count = 0;
    }
}

fn main() {}
