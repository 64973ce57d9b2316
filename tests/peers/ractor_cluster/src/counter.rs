//! An actor that counts.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, pg};
use ractor_cluster::RactorClusterMessage;

pub struct Counter;

#[derive(RactorClusterMessage)]
pub enum Message {
    Add(u64),
    #[rpc]
    Bump(RpcReplyPort<u64>),
}

impl Counter {
    /// The process group by which the other node finds the counter.
    pub const GROUP: &str = "counters";
}

impl Actor for Counter {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        pg::join(Counter::GROUP.to_owned(), vec![myself.get_cell()]);
        Ok(0)
    }

    async fn handle(&self, _: ActorRef<Message>, message: Message, count: &mut u64) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(n) => *count += n,
            Message::Bump(reply) => {
                *count += 1;
                reply.send(*count)?;
            }
        }
        Ok(())
    }
}
