use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[csat]
    fn add(&mut self, n: u64) {
        self.count += n;
    }
}

fn main() {}
