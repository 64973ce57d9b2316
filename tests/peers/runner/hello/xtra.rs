use xtra::prelude::*;

#[derive(Default, xtra::Actor)]
struct Counter {
    count: u64,
}

struct Add(u64);

struct Count;

impl Handler<Add> for Counter {
    type Return = ();

    async fn handle(&mut self, Add(n): Add, _: &mut Context<Self>) {
        self.count += n;
    }
}

impl Handler<Count> for Counter {
    type Return = u64;

    async fn handle(&mut self, Count: Count, _: &mut Context<Self>) -> u64 {
        self.count
    }
}

#[tokio::main]
async fn main() {
    let counter = xtra::spawn_tokio(Counter::default(), Mailbox::unbounded());
    counter.send(Add(2)).await.unwrap();
    println!("{}", counter.send(Count).await.unwrap());
}
