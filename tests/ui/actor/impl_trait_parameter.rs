use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: impl Into<u64>) {
        self.count += n.into();
    }
}

fn add(counter: CounterRef) {
    counter.add(1u8);
}

fn main() {}
