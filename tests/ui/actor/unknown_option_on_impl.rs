use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor(locla)]
impl Counter {
    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

fn main() {}
