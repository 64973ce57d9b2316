use greenroom::prelude::*;

struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }
}

fn start() {
    let counter = Counter { count: 0 }.spawn();
    counter.add(2);
}

fn main() {}
