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

    #[terminate(on_panic)]
    fn close(&mut self) {}
}

fn main() {}
