//! The answers of etcd's JSON gateway. 64-bit numbers are texts in it, bytes are base64, and what is empty
//! is absent.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// Returns bytes as the gateway writes them.
pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(Cow::<str>::deserialize(deserializer)?.as_bytes()).map_err(D::Error::custom)
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// The part that all answers have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Header {
    /// The revision of the store.
    #[serde(deserialize_with = "number")]
    pub(crate) revision: u64,
    /// The term of the leader.
    #[serde(deserialize_with = "number")]
    pub(crate) raft_term: u64,
}

/// A key and its value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct KeyValue {
    #[serde(deserialize_with = "bytes")]
    pub(crate) key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    pub(crate) value: Vec<u8>,
    #[serde(deserialize_with = "number")]
    pub(crate) mod_revision: u64,
    #[serde(deserialize_with = "number")]
    pub(crate) lease: u64,
}

/// The answer to `kv/range`.
#[derive(Debug, Deserialize)]
pub(crate) struct Range {
    pub(crate) header: Header,
    #[serde(default)]
    pub(crate) kvs: Vec<KeyValue>,
    /// There are further keys.
    #[serde(default)]
    pub(crate) more: bool,
}

/// The answer to `kv/txn`.
#[derive(Debug, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) header: Header,
    #[serde(default)]
    pub(crate) succeeded: bool,
    #[serde(default)]
    pub(crate) responses: Vec<Operation>,
}

/// The result of one operation of a transaction.
#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    pub(crate) response_range: Option<Range>,
}

/// The answer to `lease/grant`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Grant {
    #[serde(rename = "ID", deserialize_with = "number")]
    pub(crate) id: u64,
    #[serde(rename = "TTL", deserialize_with = "number")]
    pub(crate) ttl: u64,
}

/// The answer to `lease/keepalive`.
#[derive(Debug, Deserialize)]
pub(crate) struct KeepAlive {
    pub(crate) header: Header,
    /// Zero for a lease that has ended.
    #[serde(default, rename = "TTL", deserialize_with = "number")]
    pub(crate) ttl: u64,
}

/// The answer to `auth/authenticate`.
#[derive(Deserialize)]
pub(crate) struct Authenticated {
    pub(crate) token: String,
}

/// One message of a stream.
#[derive(Deserialize)]
pub(crate) enum Streamed<T> {
    #[serde(rename = "result")]
    Result(T),
    #[serde(rename = "error")]
    Error(Reported),
}

/// An error, of a request (`code`) or of a stream (`grpc_code`).
#[derive(Debug, Deserialize)]
pub(crate) struct Reported {
    #[serde(alias = "grpc_code")]
    pub(crate) code: u64,
    #[serde(default)]
    pub(crate) message: String,
}

/// A message of `watch`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Watched {
    pub(crate) header: Header,
    pub(crate) created: bool,
    pub(crate) canceled: bool,
    pub(crate) cancel_reason: String,
    /// The first revision that exists still, if the watch began at an earlier one.
    #[serde(deserialize_with = "number")]
    pub(crate) compact_revision: u64,
    /// The next message has further events of the last revision.
    pub(crate) fragment: bool,
    pub(crate) events: Vec<Event>,
}

/// A change of one key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) kv: KeyValue,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Kind {
    #[default]
    Put,
    Delete,
}
