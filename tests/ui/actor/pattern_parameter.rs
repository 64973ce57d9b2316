use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, (a, b): (u64, u64)) {
        self.count += a + b;
    }
}

fn main() {}
