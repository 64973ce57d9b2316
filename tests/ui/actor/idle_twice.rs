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
    fn reset(&mut self) {
        self.count = 0;
    }

    #[idle("90s")]
    fn reset_later(&mut self) {
        self.count = 0;
    }
}

fn main() {}
