use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[init]
    fn open(start: u64) -> Self {
        Counter { count: start }
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

#[actor]
#[derive(Default)]
struct Log {}

#[actor]
impl Log {
    #[cast]
    fn note(&mut self) {}
}

#[supervisor]
struct Tree {
    #[child(start = Counter::open(5))]
    log: Log,
}

fn main() {}
