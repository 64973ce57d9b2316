use greenroom::prelude::*;

struct Counter {
    count: u64,
}

impl Counter {
    #[down]
    fn lost(&mut self, down: Down) {
        println!("{} after {}", down.reason, self.count);
    }
}

fn main() {}
