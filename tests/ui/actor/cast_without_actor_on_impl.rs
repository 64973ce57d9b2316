use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

impl Counter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }
}

fn main() {}
