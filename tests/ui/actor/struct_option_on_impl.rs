use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor(name = "counter")]
impl Counter {
    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

async fn count(counter: CounterRef) -> Result<u64, CallError> {
    counter.count().await
}

fn main() {}
