//! Messages that other nodes cannot send, and methods of stubs that other modules cannot call.

use std::sync::Arc;

use greenroom::__private::{Decoder, Encoder, Payload, Protocol};
use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{DecodeError, EncodeError};
use tokio::sync::{mpsc, oneshot};

/// A type without serde's traits.
#[derive(Debug)]
struct Token(oneshot::Sender<u64>);

#[actor(name = "store")]
#[derive(Default)]
struct Store {
    sold: u64,
}

#[actor]
impl Store {
    #[call]
    fn sold(&self) -> u64 {
        self.sold
    }

    #[cast]
    #[private]
    fn sell(&mut self, token: Token) {
        self.sold += 1;
        token.0.send(self.sold).unwrap();
    }

    /// The answer has no serde's traits either.
    #[call]
    #[private]
    fn receipt(&self) -> Arc<Token> {
        Arc::new(Token(oneshot::channel().0))
    }

    #[call]
    fn me(&self, cx: &mut Context<Self>) -> StoreRef {
        cx.me()
    }
}

/// A protocol with a private variant in front of others, and a private event.
#[protocol]
enum Mail {
    #[private]
    Sort {
        boxes: fn() -> usize,
    },
    Post {
        body: String,
    },
    #[from]
    #[private]
    Price(u64),
    #[from]
    Weight(u32),
}

#[greenroom::test]
async fn a_private_message_passes_on_its_node() {
    let store = Store::default().spawn();
    let (token, sold) = oneshot::channel();
    store.sell(Token(token)).await.unwrap();
    assert_eq!(sold.await, Ok(1));
    assert!(store.receipt().await.is_ok());
}

#[greenroom::test]
async fn a_private_message_does_not_leave_its_node() {
    let cluster = Cluster::in_memory(2).await;
    let here = cluster.node(0);
    let store = cluster.node(1).start(Store::default()).await.unwrap();
    let far: StoreRef = here.named_at("store", cluster.node(1).name().clone());
    let direct = far.me().await.unwrap();
    let before = here.counters().lost_messages;
    for stub in [&far, &direct] {
        let (token, sold) = oneshot::channel();
        assert_eq!(stub.sell(Token(token)).await, Err(CastError::Encode(EncodeError::Local)));
        assert!(sold.await.is_err(), "the token is dropped");
        assert_eq!(stub.receipt().await.err(), Some(CallErrorKind::Encode(EncodeError::Local).into()));
    }
    assert_eq!(here.counters().lost_messages - before, 4);
    assert_eq!((far.sold().await, store.sold().await), (Ok(0), Ok(0)));
    cluster.stop().await;
}

/// The bytes may come from a node with other code.
#[test]
fn a_private_message_is_not_decoded() {
    let empty = Payload::default().to_source();
    let decode = |variant| Mail::decode(variant, &mut Decoder::new(&empty)).err();
    assert_eq!(decode(0), Some(DecodeError::Local));
    assert!(matches!(decode(1), Some(DecodeError::Malformed(_))));
    assert_eq!(decode(4), Some(DecodeError::Variant(4)));
    let sort = Mail::Sort { boxes: || 7 };
    assert_eq!(sort.encode(&mut Encoder::new(&mut Payload::default(), 100)), Err(EncodeError::Local));
    let Mail::Sort { boxes } = sort else { panic!("another message") };
    assert_eq!(boxes(), 7);
    drop([Mail::Price(1), Mail::Weight(2), Mail::Post { body: String::new() }]);
}

#[greenroom::test]
async fn a_private_event_is_not_decoded() {
    let cluster = Cluster::in_memory(2).await;
    let (weights, mut received) = mpsc::unbounded_channel();
    let there = cluster.node(1).enter();
    let mail = greenroom::spawn(async move |mut mailbox: Mailbox<Mail>| {
        loop {
            receive!(match mailbox {
                Mail::Weight(weight) => drop(weights.send(weight)),
                Mail::Price(price) => panic!("{price}"),
            });
        }
    });
    drop(there);
    MailRef::register("mail", &mail).unwrap();
    let far: MailRef = cluster.node(0).named_at("mail", cluster.node(1).name().clone());
    far.recipient::<u64>().send(1).await.unwrap();
    far.recipient::<u32>().send(2).await.unwrap();
    assert_eq!(received.recv().await, Some(2));
    assert_eq!(cluster.node(1).counters().lost_messages, 1);
}

mod town {
    use greenroom::prelude::*;

    #[actor]
    #[derive(Default)]
    pub(super) struct Hall {
        visits: u64,
    }

    #[actor]
    impl Hall {
        #[call]
        pub(super) fn visit(&mut self) -> u64 {
            self.count(1);
            self.visits
        }

        #[cast]
        fn add(&mut self, n: u64) {
            self.count(n);
        }

        fn count(&mut self, n: u64) {
            self.visits += n;
        }
    }

    /// Calls a method that only this module can call.
    pub(super) fn open(hall: &HallRef) {
        hall.add(10);
    }
}

#[greenroom::test]
async fn a_private_method_is_called_in_its_module() {
    let hall = town::Hall::default().spawn();
    town::open(&hall);
    assert_eq!(hall.visit().await, Ok(11));
}
