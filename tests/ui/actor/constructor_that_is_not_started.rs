#![deny(unused_must_use)]

use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[init]
    fn open(start: u64) -> Self {
        Counter { count: start }
    }

    #[call]
    fn value(&self) -> u64 {
        self.count
    }
}

fn main() {
    Counter::open(5);
}
