use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self, reply: Reply<u64>) -> u64 {
        reply.send(self.count);
        self.count
    }
}

async fn count(counter: CounterRef) -> Result<u64, CallError> {
    counter.count().await
}

fn main() {}
