use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    #[priority]
    #[priority]
    fn count(&self) -> u64 {
        self.count
    }
}

fn main() {}
