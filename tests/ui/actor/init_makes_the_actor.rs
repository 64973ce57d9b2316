use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[init]
    fn new() -> Self {
        Counter { count: 0 }
    }

    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }
}

fn main() {}
