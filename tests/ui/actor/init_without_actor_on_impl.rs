use greenroom::prelude::*;

struct Counter {
    count: u64,
}

impl Counter {
    #[init]
    fn open(&mut self) {
        self.count = 1;
    }
}

fn main() {}
