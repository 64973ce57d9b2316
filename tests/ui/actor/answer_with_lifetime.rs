use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn name<'a>(&'a self) -> &'a str {
        "counter"
    }
}

fn main() {}
