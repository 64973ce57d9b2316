use greenroom::prelude::*;

struct Counter;

#[protocol]
impl Counter {
    fn add(&mut self, _n: u64) {}
}

fn main() {}
