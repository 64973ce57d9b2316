use kameo::prelude::*;

#[derive(Actor, Default)]
struct Counter {
    count: u64,
}

struct Add(u64);

struct Count;

impl Message<Add> for Counter {
    type Reply = ();

    async fn handle(&mut self, Add(n): Add, _: &mut Context<Self, ()>) {
        self.count += n;
    }
}

impl Message<Count> for Counter {
    type Reply = u64;

    async fn handle(&mut self, Count: Count, _: &mut Context<Self, u64>) -> u64 {
        self.count
    }
}

#[tokio::main]
async fn main() {
    let counter = Counter::spawn(Counter::default());
    counter.tell(Add(2)).await.unwrap();
    println!("{}", counter.ask(Count).await.unwrap());
}
