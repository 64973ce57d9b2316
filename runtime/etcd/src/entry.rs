//! A claim as a key and a value of etcd.

use greenroom::NodeId;
use greenroom::registry::{Claim, RegistryError};
use serde::{Deserialize, Serialize};

use crate::answer::{self, KeyValue};

/// The longest description of an owner, in bytes.
const LONGEST: usize = 16 << 10;
/// The longest key of a claim, in bytes.
const LONGEST_KEY: usize = 255;

/// The value of a key.
#[derive(Serialize, Deserialize)]
struct Entry {
    node: NodeId,
    #[serde(serialize_with = "base64", deserialize_with = "answer::bytes")]
    value: Vec<u8>,
}

fn base64<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&answer::base64(bytes))
}

/// Returns the key and the value of a claim, as the gateway expects them.
pub(crate) fn encode(prefix: &str, node: &NodeId, key: &str, value: &[u8]) -> Result<(String, String), RegistryError> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(RegistryError::Refused(format!("a key of {} bytes: expected 1 to {LONGEST_KEY}", key.len())));
    }
    if value.len() > LONGEST {
        return Err(RegistryError::Refused(format!(
            "a value of {} bytes: at most {LONGEST} are possible",
            value.len()
        )));
    }
    let entry = Entry { node: node.clone(), value: value.to_vec() };
    let entry = serde_json::to_string(&entry).expect("it has no maps with other keys than texts");
    Ok((encode_key(prefix, key), answer::base64(entry)))
}

/// Returns the key in etcd of the claim on `key`, as the gateway expects it.
pub(crate) fn encode_key(prefix: &str, key: &str) -> String {
    answer::base64([prefix, key].concat())
}

/// Returns the first key after all those with this prefix, as etcd defines it: the last byte plus one, or 0 for all keys.
pub(crate) fn end_of(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    match end.last_mut() {
        // No byte of a text is 0xff.
        Some(last) => *last += 1,
        None => end.push(0),
    }
    end
}

/// Returns the key of the claim that has this key in etcd, if it is one.
pub(crate) fn decode_key(prefix: &str, key: &[u8]) -> Option<String> {
    let key = std::str::from_utf8(key.strip_prefix(prefix.as_bytes())?).ok()?;
    (1..=LONGEST_KEY).contains(&key.len()).then(|| key.to_owned())
}

/// Returns the claim that a key of etcd is, or `None` for a key of something else.
pub(crate) fn decode(prefix: &str, found: &KeyValue) -> Option<Claim> {
    let key = decode_key(prefix, &found.key)?;
    let Entry { node, value } = serde_json::from_slice(&found.value).ok()?;
    (value.len() <= LONGEST).then_some(Claim { key, node, token: found.mod_revision, value })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn node() -> NodeId {
        NodeId { name: "a@one".parse().expect("it is a name"), incarnation: u64::MAX }
    }

    fn stored(key: &str, value: &str) -> KeyValue {
        let bytes = |text: &str| STANDARD.decode(text).expect("it is base64");
        KeyValue { key: bytes(key), value: bytes(value), mod_revision: 7, lease: 1 }
    }

    #[test]
    fn a_claim_is_read_as_it_was_written() {
        let (key, value) = encode("shop/", &node(), "name/mail", &[0, 255]).expect("it fits");
        let claim = Claim { key: "name/mail".into(), node: node(), token: 7, value: vec![0, 255] };
        assert_eq!(decode("shop/", &stored(&key, &value)), Some(claim));
        assert_eq!(key, encode_key("shop/", "name/mail"));
    }

    #[test]
    fn a_key_of_something_else_is_not_a_claim() {
        let (key, value) = encode("shop/", &node(), "name/mail", &[]).expect("it fits");
        let found = stored(&key, &value);
        assert_eq!(decode("shop/name/mail", &found), None, "an empty key");
        assert_eq!(decode("bank/", &found), None);
        assert_eq!(decode("shop/", &KeyValue { value: b"{}".to_vec(), ..stored(&key, &value) }), None);
        assert_eq!(decode("shop/", &KeyValue { key: vec![b's', b'h', b'o', b'p', b'/', 255], ..found }), None);
    }

    #[test]
    fn keys_and_values_are_bounded() {
        let refused = |key: &str, value: &[u8]| encode("shop/", &node(), key, value).is_err();
        assert!(refused("", &[]));
        assert!(!refused(&"k".repeat(255), &[0; LONGEST]));
        assert!(refused(&"k".repeat(256), &[]));
        assert!(refused("k", &[0; LONGEST + 1]));
    }

    #[test]
    fn the_range_of_a_prefix_ends_behind_its_keys() {
        assert_eq!(end_of("shop/"), b"shop0");
        assert_eq!(end_of(""), [0]);
        assert!("shop/\u{10ffff}".as_bytes() < end_of("shop/").as_slice());
    }
}
