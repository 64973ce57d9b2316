use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

fn main() {}
