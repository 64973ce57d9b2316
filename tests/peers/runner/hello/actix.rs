use actix::prelude::*;

#[derive(Default)]
struct Counter {
    count: u64,
}

impl Actor for Counter {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Add(u64);

#[derive(Message)]
#[rtype(u64)]
struct Count;

impl Handler<Add> for Counter {
    type Result = ();

    fn handle(&mut self, Add(n): Add, _: &mut Context<Self>) {
        self.count += n;
    }
}

impl Handler<Count> for Counter {
    type Result = u64;

    fn handle(&mut self, Count: Count, _: &mut Context<Self>) -> u64 {
        self.count
    }
}

#[actix::main]
async fn main() {
    let counter = Counter::default().start();
    counter.do_send(Add(2));
    println!("{}", counter.send(Count).await.unwrap());
}
