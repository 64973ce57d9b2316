use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }

    #[call]
    fn count(counter: &Counter) -> u64 {
        counter.count
    }
}

fn add(counter: CounterRef) {
    counter.add(1);
}

fn main() {}
