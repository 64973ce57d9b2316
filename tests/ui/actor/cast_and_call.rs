use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

fn main() {}
