use greenroom::prelude::*;

#[actor]
struct Counter;

#[actor(debug)]
impl Counter {
    #[init]
    #[redact]
    fn open(&mut self) {}

    #[cast]
    #[redact]
    fn add(&mut self) {}
}

fn main() {}
