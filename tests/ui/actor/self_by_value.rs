use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn finish(self) -> u64 {
        self.count
    }
}

fn main() {}
