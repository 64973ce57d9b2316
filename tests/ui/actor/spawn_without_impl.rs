use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

fn start() {
    Counter { count: 0 }.spawn();
}

fn main() {}
