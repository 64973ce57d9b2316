use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[init]
    fn open(&mut self) {
        self.count = 1;
    }

    #[init]
    fn reset(&mut self) {
        self.count = 0;
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

fn main() {}
