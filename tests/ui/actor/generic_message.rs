use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add<N: Into<u64>>(&mut self, n: N) {
        self.count += n.into();
    }
}

fn add(counter: CounterRef) {
    counter.add(1u8);
}

fn main() {}
