use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[init]
    fn open<T: Into<u64>>(start: T) -> Self {
        Counter { count: start.into() }
    }

    #[init]
    fn at(start: impl Into<u64>) -> Self {
        Counter { count: start.into() }
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

fn main() {}
