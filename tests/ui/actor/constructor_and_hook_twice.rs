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

    #[init]
    fn first(&mut self) {
        self.count += 1;
    }

    #[init]
    fn second(&mut self) {
        self.count += 2;
    }

    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }
}

fn main() {}
