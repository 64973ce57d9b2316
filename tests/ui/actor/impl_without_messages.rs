use greenroom::prelude::*;

#[actor]
struct Counter;

#[actor]
impl Counter {
    fn add(&mut self, _n: u64) {}
}

fn start() {
    Counter.spawn();
}

fn main() {}
