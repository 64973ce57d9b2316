use greenroom::prelude::*;

#[actor]
#[protocol]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }
}

fn main() {}
