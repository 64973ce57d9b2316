use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call, cast};

struct Counter;

enum Message {
    Add(u64),
    Count(RpcReplyPort<u64>),
}

impl Actor for Counter {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(&self, _: ActorRef<Message>, message: Message, count: &mut u64) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(n) => *count += n,
            Message::Count(reply) => reply.send(*count)?,
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() {
    let (counter, _) = Actor::spawn(None, Counter, ()).await.unwrap();
    cast!(counter, Message::Add(2)).unwrap();
    println!("{}", call!(counter, Message::Count).unwrap());
}
