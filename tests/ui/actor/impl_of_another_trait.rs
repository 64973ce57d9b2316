use greenroom::prelude::*;

struct Counter;

#[actor]
impl Clone for Counter {
    fn clone(&self) -> Counter {
        Counter
    }
}

fn main() {}
