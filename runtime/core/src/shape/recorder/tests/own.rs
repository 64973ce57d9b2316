//! Replies and stubs, as greenroom deserializes them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{check, values_of};
use crate::shape::{REPLY, STUB};

/// A reply that was recorded, and is not to be used.
struct Reply<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Reply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Answer<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Answer<T> {
            type Value = Reply<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reply")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut answer: A) -> Result<Reply<T>, A::Error> {
                answer.next_element::<T>()?.ok_or_else(|| A::Error::custom("no answer"))?;
                Ok(Reply(PhantomData))
            }
        }

        deserializer.deserialize_newtype_struct(REPLY, Answer(PhantomData))
    }
}

/// A stub whose content is like that of a pid.
struct Stub<const PROTOCOL: char>(u64);

impl<'de, const PROTOCOL: char> Deserialize<'de> for Stub<PROTOCOL> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Outer<const PROTOCOL: char>;
        struct Inner;

        impl<'de, const PROTOCOL: char> Visitor<'de> for Outer<PROTOCOL> {
            type Value = Stub<PROTOCOL>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a stub")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                let protocol = if PROTOCOL == 'a' { "Accounts" } else { "Orders" };
                deserializer.deserialize_newtype_struct(protocol, Inner).map(Stub)
            }
        }

        impl<'de> Visitor<'de> for Inner {
            type Value = u64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pid")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
                Address::deserialize(deserializer).map(|address| match address {
                    Address::Pid { node: Some(node), .. } => u64::from(node),
                    Address::Pid { number, .. } => number.get(),
                    Address::Name(_) => 0,
                })
            }
        }

        deserializer.deserialize_newtype_struct(STUB, Outer::<PROTOCOL>)
    }
}

/// Of several variants, and refuses some values.
#[derive(Deserialize)]
#[allow(dead_code)]
enum Address {
    Name(super::validation::NodeName),
    Pid { node: Option<u8>, number: std::num::NonZeroU64 },
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Message {
    Get(String, Reply<Option<Answer>>),
    Subscribe {
        to: Vec<Stub<'a'>>,
        then: Reply<Stub<'o'>>,
    },
    Delegate(Reply<Reply<bool>>),
    /// A reply within the answer of another one.
    Chain(Reply<Box<Message>>),
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Answer {
    Yes,
    No(u8),
}

const ADDRESS: &str = "<Name text | Pid {node: u8?, number: u64}>";

#[test]
fn replies_have_the_type_of_their_answers() {
    check::<Reply<u8>>("reply(u8)");
    check::<(Reply<u8>, Reply<String>, Reply<Answer>)>("tuple(reply(u8), reply(text), reply(<Yes | No u8>))");
}

#[test]
fn stubs_have_their_protocols() {
    check::<Stub<'a'>>(&format!("stub(Accounts, {ADDRESS})"));
    check::<(Stub<'a'>, Option<Stub<'o'>>)>(&format!("tuple(stub(Accounts, {ADDRESS}), stub(Orders, {ADDRESS})?)"));
}

#[test]
fn a_protocol_with_replies_and_stubs() {
    check::<Message>(&format!(
        "<Get tuple(text, reply(<Yes | No u8>?)) | Subscribe {{to: [stub(Accounts, {ADDRESS})], \
         then: reply(stub(Orders, {ADDRESS}))}} | Delegate reply(reply(bool)) | Chain reply(^2)>"
    ));
}

#[test]
fn values_pass_through_stubs() {
    let numbers: Vec<_> = values_of::<Vec<Stub<'o'>>>().iter().flatten().map(|stub| stub.0).collect();
    // A name, a pid, and a pid with a node.
    assert!(numbers.contains(&0) && numbers.contains(&1), "{numbers:?}");
    assert!(numbers.len() >= 3, "{numbers:?}");
}

#[test]
fn values_pass_through_replies() {
    let messages = values_of::<Message>();
    assert!(messages.iter().any(|message| matches!(message, Message::Get(..))));
    assert!(messages.iter().any(|message| matches!(message, Message::Subscribe { to, .. } if !to.is_empty())));
    assert!(messages.iter().any(|message| matches!(message, Message::Delegate(_))));
}
