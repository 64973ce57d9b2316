use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn name(&self) -> &'static str {
        "counter"
    }
}

fn main() {}
