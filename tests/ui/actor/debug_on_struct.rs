use greenroom::prelude::*;

#[actor(debug)]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

fn main() {}
