use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self) -> impl std::fmt::Display {
        self.count
    }
}

fn main() {}
