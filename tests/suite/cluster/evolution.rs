//! Messages between two versions of one program.

use std::collections::BTreeMap;

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{CallErrorKind, EncodeError};
use serde::{Deserialize, Serialize};

use crate::events::Events;

/// The protocol of a shop, as it was released first.
mod first {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Price {
        pub(super) amount: u32,
        pub(super) fee: u32,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Payment {
        Cash,
        Card { number: String },
    }

    #[protocol]
    pub(super) enum Shop {
        Buy { item: String, price: Price, reply: Reply<Receipt> },
        Pay { payment: Payment, reply: Reply<String> },
        Note { text: String },
        Count(u16),
        Gone { old: u8 },
        Label { text: u32, reply: Reply<()> },
        Visits { reply: Reply<u64> },
        Weigh { item: String, reply: Reply<u32> },
        Refer { item: String, reply: Reply<Receipt> },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Receipt {
        pub(super) total: u32,
        pub(super) item: String,
    }
}

/// The next release.
mod second {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Price {
        #[serde(default)]
        pub(super) currency: String,
        pub(super) fee: u64,
        pub(super) amount: u64,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Payment {
        Voucher(u64),
        Card { number: String, holder: Option<String> },
        Cash,
    }

    #[protocol]
    pub(super) enum Shop {
        Visits {
            reply: Reply<u64>,
        },
        Hello,
        #[serde(alias = "Note")]
        Remark {
            #[serde(alias = "text")]
            remark: String,
            #[default]
            level: u8,
        },
        Pay {
            payment: Payment,
            reply: Reply<String>,
        },
        Buy {
            price: Price,
            #[serde(default = "some_item")]
            item: String,
            reply: Reply<Receipt>,
        },
        Count(i64),
        Weigh {
            item: String,
            reply: Reply<String>,
        },
        Refer {
            item: String,
            reply: Reply<Receipt>,
        },
        Label {
            text: String,
            reply: Reply<()>,
        },
    }

    fn some_item() -> String {
        "something".to_owned()
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Receipt {
        #[serde(default)]
        pub(super) tax: u32,
        pub(super) item: Option<String>,
        pub(super) total: u64,
    }
}

/// A shop with the protocol of the next release, which notes what it receives.
async fn second_shop(mut mailbox: Mailbox<second::Shop>, office: OfficeRef) {
    let mut visits = 0;
    loop {
        visits += 1;
        receive!(match mailbox {
            second::Shop::Buy { item, price, reply } => {
                let total = price.amount + price.fee;
                let item = Some(format!("{item} in {:?}", price.currency));
                reply.send(second::Receipt { tax: 7, item, total });
            }
            second::Shop::Pay { payment, reply } => reply.send(format!("{payment:?}")),
            second::Shop::Remark { remark, level } => visits += remark.len() as u64 * 100 + u64::from(level),
            second::Shop::Count(number) => visits += number as u64 * 10_000,
            second::Shop::Label { reply, .. } => reply.send(()),
            second::Shop::Visits { reply } => reply.send(visits),
            second::Shop::Weigh { item, reply } => reply.send(format!("{item}: heavy")),
            // Another process of the next release answers, on a third node.
            second::Shop::Refer { item, reply } => drop(office.handle(Job { item, reply })),
            second::Shop::Hello => {}
        });
    }
}

/// A process that answers calls of others.
#[protocol]
enum Office {
    Handle(Job),
}

/// A call that is passed on.
#[derive(Serialize, Deserialize)]
struct Job {
    item: String,
    reply: Reply<second::Receipt>,
}

async fn office(mut mailbox: Mailbox<Office>) {
    loop {
        receive!(match mailbox {
            Office::Handle(Job { item, reply }) => reply.send(second::Receipt { tax: 1, item: Some(item), total: 5 }),
        });
    }
}

/// Starts a shop of the next release on one node, and returns the stub that a node of the first release has.
async fn shop() -> (Cluster, first::ShopRef) {
    let cluster = Cluster::in_memory(3).await;
    let there = cluster.node(2).enter();
    OfficeRef::register("office", &greenroom::spawn(office)).unwrap();
    drop(there);
    let office = cluster.node(1).named_at("office", "n2@test");
    let there = cluster.node(1).enter();
    let shop = greenroom::spawn(|mailbox| second_shop(mailbox, office));
    second::ShopRef::register("shop", &shop).unwrap();
    drop(there);
    let far = cluster.node(0).named_at("shop", "n1@test");
    (cluster, far)
}

#[greenroom::test]
async fn a_message_of_another_release_is_read_by_the_names_of_its_fields() {
    let (_cluster, shop) = shop().await;
    let receipt = shop.buy("tea".into(), first::Price { amount: 1000, fee: 1 }).await.unwrap();
    // The answer of the next release, read by the first one.
    assert_eq!(receipt, first::Receipt { total: 1001, item: "tea in \"\"".into() });
    let paid = |payment| async { shop.pay(payment).await.unwrap() };
    assert_eq!(paid(first::Payment::Cash).await, "Cash");
    let card = first::Payment::Card { number: "12".into() };
    assert_eq!(paid(card).await, "Card { number: \"12\", holder: None }");
    shop.note("abc".into());
    shop.count(5);
    assert_eq!(shop.visits().await, Ok(6 + 300 + 50_000));
}

/// A shop of the first release.
async fn first_shop(mut mailbox: Mailbox<first::Shop>) {
    let mut visits = 0;
    loop {
        receive!(match mailbox {
            first::Shop::Buy { item, price, reply } => {
                reply.send(first::Receipt { total: price.amount + price.fee, item });
            }
            first::Shop::Pay { payment, reply } => reply.send(format!("{payment:?}")),
            first::Shop::Note { text } => visits += text.len() as u64,
            first::Shop::Visits { reply } => reply.send(visits),
            other => panic!("{}", greenroom::Protocol::variant(&other)),
        });
    }
}

#[greenroom::test]
async fn a_message_of_the_next_release_is_read_by_the_first() {
    let cluster = Cluster::in_memory(2).await;
    let there = cluster.node(1).enter();
    first::ShopRef::register("shop", &greenroom::spawn(first_shop)).unwrap();
    drop(there);
    let shop: second::ShopRef = cluster.node(0).named_at("shop", "n1@test");
    let price = |amount| second::Price { currency: "EUR".into(), fee: 1, amount };
    let receipt = shop.buy(price(1000), "tea".into()).await;
    assert_eq!(receipt, Ok(second::Receipt { tax: 0, item: Some("tea".into()), total: 1001 }));
    let error = shop.buy(price(1 << 40), "tea".into()).await.unwrap_err();
    let reason = "`Shop::Buy`: field `price.amount`: the number does not fit into u32";
    assert_eq!(error.kind, CallErrorKind::Incompatible(reason.into()));
    // The error is that of one value: others are sent as before.
    assert!(shop.buy(price(1), "tea".into()).await.is_ok());
    let card = second::Payment::Card { number: "12".into(), holder: Some("me".into()) };
    assert_eq!(shop.pay(card).await, Ok("Card { number: \"12\" }".to_owned()));
    let error = shop.pay(second::Payment::Voucher(1)).await.unwrap_err().kind;
    let reason = "`Shop::Pay`: field `payment`: unknown variant `Voucher`, expected `Cash` or `Card`";
    assert_eq!(error, CallErrorKind::Incompatible(reason.into()));
    assert!(shop.pay(second::Payment::Cash).await.is_ok());
    // By the alias, which was the name in the first release.
    shop.remark("abc".into(), 1);
    assert_eq!(shop.visits().await, Ok(3));
}

#[greenroom::test]
async fn a_message_that_cannot_be_read_names_the_difference() {
    let (cluster, shop) = shop().await;
    let error = shop.label(5).await.unwrap_err();
    let CallErrorKind::Incompatible(text) = &error.kind else { panic!("{error}") };
    assert_eq!(&**text, "`Shop::Label`: field `text`: u32 was sent, String is expected");
    // Known to be impossible: it fails at once, without a message.
    assert_eq!(shop.label(6).await.unwrap_err().kind, error.kind);
    assert_eq!(cluster.node(1).counters().lost_messages, 1);
}

#[greenroom::test]
async fn a_cast_that_cannot_be_read_is_counted_and_logged_once_and_then_fails_at_its_sender() {
    let (events, _listening) = Events::listen(&["greenroom"], &["error"]);
    let (cluster, shop) = shop().await;
    for _ in 0..2 {
        assert_eq!(shop.gone(1).await, Ok(()));
    }
    assert!(shop.visits().await.is_ok());
    let reason = "`Shop::Gone`: the receiver has no such variant";
    assert_eq!(shop.gone(1).await, Err(CastError::Incompatible(reason.into())));
    shop.gone(1);
    assert_eq!([0, 1].map(|at| cluster.node(at).counters().lost_messages), [2, 2]);
    let events = events.take();
    assert_eq!(events.iter().filter(|event| event.contains("cannot be delivered")).count(), 1, "{events:?}");
}

#[greenroom::test]
async fn an_answer_that_the_caller_cannot_read_fails_the_call() {
    let (_cluster, shop) = shop().await;
    let error = shop.weigh("tea".into()).await.unwrap_err();
    let expected = "`alloc::string::String`: String was sent, u32 is expected";
    assert_eq!(error.kind, CallErrorKind::Incompatible(expected.into()));
}

#[greenroom::test]
async fn a_reply_of_another_release_is_answered_from_a_third_node() {
    let (_cluster, shop) = shop().await;
    assert_eq!(shop.refer("tea".into()).await, Ok(first::Receipt { total: 5, item: "tea".into() }));
}

/// A protocol with a type argument.
#[protocol]
enum Store<T: 'static> {
    Put { value: T, reply: Reply<T> },
}

async fn store<T>(mut mailbox: Mailbox<Store<T>>)
where
    T: Clone + Send + Serialize + for<'de> Deserialize<'de> + 'static,
{
    loop {
        receive!(match mailbox {
            Store::Put { value, reply } => reply.send(value.clone()),
        });
    }
}

#[greenroom::test]
async fn a_generic_protocol_has_its_arguments_in_its_name() {
    let cluster = Cluster::in_memory(2).await;
    let there = cluster.node(1).enter();
    StoreRef::register("numbers", &greenroom::spawn(store::<u32>)).unwrap();
    drop(there);
    let numbers: StoreRef<u32> = cluster.node(0).named_at("numbers", "n1@test");
    assert_eq!(numbers.put(7).await, Ok(7));
    let texts: StoreRef<String> = cluster.node(0).named_at("numbers", "n1@test");
    let error = texts.put("seven".into()).await.unwrap_err();
    let expected = "`Store<alloc::string::String>`: the receiver has the protocol `Store<u32>`";
    assert_eq!(error.kind, CallErrorKind::Incompatible(expected.into()));
}

/// A type that only self-describing formats can carry.
#[derive(Serialize, Deserialize)]
struct Open {
    id: u32,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

/// A type whose fields are not always written.
#[derive(Serialize, Deserialize)]
struct Sparse {
    id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
    last: u8,
}

/// A type whose variants are written and read with different numbers.
#[derive(Serialize, Deserialize)]
enum Gap {
    First,
    #[serde(skip)]
    Hidden,
    Second(u8),
    Third(u8),
}

#[protocol]
enum Gaps {
    Gap(Gap),
}

#[protocol]
enum Misfits {
    Open(Open),
}

#[protocol]
enum Holes {
    Sparse(Sparse),
}

#[greenroom::test]
async fn a_type_that_postcard_cannot_carry_fails_at_its_sender() {
    let cluster = Cluster::in_memory(2).await;
    let misfits: MisfitsRef = cluster.node(0).named_at("misfits", "n1@test");
    let sent = misfits.open(Open { id: 1, rest: BTreeMap::new() }).await;
    let Err(CastError::Encode(EncodeError::Field(reason))) = &sent else { panic!("{sent:?}") };
    assert!(reason.contains("the field `0` of `Open`") && reason.contains("`flatten`"), "{reason}");
    let holes: HolesRef = cluster.node(0).named_at("holes", "n1@test");
    let sent = holes.sparse(Sparse { id: 1, note: None, last: 3 }).await;
    let Err(CastError::Encode(EncodeError::Field(reason))) = &sent else { panic!("{sent:?}") };
    assert!(reason.contains("do not match"), "{reason}");
    let gaps: GapsRef = cluster.node(0).named_at("gaps", "n1@test");
    for gap in [Gap::First, Gap::Hidden, Gap::Second(1), Gap::Third(2)] {
        let sent = gaps.gap(gap).await;
        let Err(CastError::Encode(EncodeError::Field(reason))) = &sent else { panic!("{sent:?}") };
        assert!(reason.contains("do not match"), "{reason}");
    }
}

/// Functions that write a number as a text.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[actor]
#[derive(Default)]
struct MeterActor {
    sum: u64,
}

#[actor]
impl MeterActor {
    #[call]
    #[serde(alias = "Get")]
    fn read(&mut self, #[serde(with = "as_text")] value: u64, #[default] factor: Option<u8>) -> u64 {
        self.sum += value * u64::from(factor.unwrap_or(1));
        self.sum
    }
}

#[greenroom::test]
async fn a_field_can_have_functions_of_the_user() {
    let cluster = Cluster::in_memory(2).await;
    MeterActorRef::register("meter", &cluster.node(1).spawn(MeterActor::default())).unwrap();
    let meter: MeterActorRef = cluster.node(0).named_at("meter", "n1@test");
    assert_eq!(meter.read(5, None).await, Ok(5));
    assert_eq!(meter.read(5, Some(3)).await, Ok(20));
}

/// A protocol that derives serde's traits, too: both read the attributes.
#[protocol]
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Logged {
    #[serde(rename = "note")]
    Note {
        #[serde(alias = "line")]
        text: String,
        #[serde(default)]
        level: u8,
    },
}

#[test]
fn a_derive_on_a_protocol_reads_the_attributes_of_serde_too() {
    let note: Logged = serde_json::from_str(r#"{"note": {"line": "tea"}}"#).unwrap();
    assert_eq!(note, Logged::Note { text: "tea".into(), level: 0 });
}
