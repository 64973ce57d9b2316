use greenroom::prelude::*;

struct Counter {
    count: u64,
}

impl Counter {
    #[every("30s")]
    fn tick(&mut self) {
        self.count += 1;
    }
}

fn main() {}
