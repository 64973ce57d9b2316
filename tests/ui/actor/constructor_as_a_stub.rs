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
    fn value(&self) -> u64 {
        self.count
    }
}

async fn read() {
    Counter::open(5).value().await.unwrap();
}

fn main() {}
