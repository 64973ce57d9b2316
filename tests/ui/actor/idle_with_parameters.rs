use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self) -> u64 {
        self.count
    }

    #[idle("60s")]
    fn reset(&mut self, to: u64) {
        self.count = to;
    }
}

fn main() {}
