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

    #[terminate]
    fn close(&mut self, reason: String) {
        drop(reason);
    }
}

fn main() {}
