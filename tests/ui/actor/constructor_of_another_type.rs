use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[init]
    fn open(start: u64) -> Option<Self> {
        Some(Counter { count: start })
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

fn main() {}
