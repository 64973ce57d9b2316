//! Definitions of types, and values that are read by them.

use std::any::type_name;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::*;
use crate::base::{DecodeError, Source};

/// An event of the first release.
#[derive(Serialize, Deserialize)]
struct Alarm {
    room: u8,
    text: String,
}

/// The event of the next release.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct NextAlarm {
    #[serde(default)]
    level: u8,
    text: String,
    room: u16,
}

/// Of another release, which expects another type.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct OtherAlarm {
    room: String,
}

/// Returns the definition of a peer's type, which has the name of `Here` on this node.
fn received<There, Here>() -> ReceivedDefinition
where
    There: Serialize + crate::base::DeserializeOwned + 'static,
{
    let own = record_type::<There>();
    let Definition { version, fingerprint, shape, .. } = &**own.get().unwrap();
    let (name, shape) = (type_name::<Here>().into(), shape.clone());
    ReceivedDefinition::new(Arc::new(Definition { name, version: *version, fingerprint: *fingerprint, shape }))
}

fn encoded(value: &impl Serialize) -> Source {
    postcard::to_allocvec(value).unwrap().into()
}

#[test]
fn an_event_of_another_version_is_read_by_the_names_of_its_fields() {
    let payload = encoded(&Alarm { room: 7, text: "fire".into() });
    let definition = received::<Alarm, NextAlarm>();
    let event = EncodedEvent::new(&definition, &payload);
    let read = event.read::<NextAlarm>();
    assert_eq!(read, Some(Ok(NextAlarm { level: 0, text: "fire".into(), room: 7 })));
    assert!(event.read::<OtherAlarm>().is_none(), "another name");
    // The same version, by positions.
    let definition = received::<Alarm, Alarm>();
    let same = EncodedEvent::new(&definition, &payload).read::<Alarm>().unwrap().unwrap();
    assert_eq!((same.room, &*same.text), (7, "fire"));
}

#[test]
fn an_event_that_cannot_be_read_names_the_difference() {
    let definition = received::<Alarm, OtherAlarm>();
    let payload = encoded(&Alarm { room: 7, text: "fire".into() });
    let error = EncodedEvent::new(&definition, &payload).read::<OtherAlarm>().unwrap().unwrap_err();
    let name = type_name::<OtherAlarm>();
    let reason = format!("`{name}`: field `room`: u8 was sent, String is expected");
    assert_eq!(error, CallErrorKind::Incompatible(reason.into()));
    let cut = payload.slice(..2);
    let error = EncodedEvent::new(&definition, &cut).read::<OtherAlarm>().unwrap().unwrap_err();
    assert!(matches!(error, CallErrorKind::Incompatible(_)), "the types differ before the bytes end: {error}");
    let definition = received::<Alarm, NextAlarm>();
    let error = EncodedEvent::new(&definition, &cut).read::<NextAlarm>().unwrap().unwrap_err();
    assert!(matches!(error, CallErrorKind::Decode(DecodeError::Malformed(_))), "{error}");
}

#[test]
fn a_shape_that_is_missing_or_malformed_refuses_the_message() {
    let payload = encoded(&Alarm { room: 7, text: "fire".into() });
    let check = |shape: &[u8], expected: &str| {
        let name = type_name::<NextAlarm>();
        let definition = Definition { name: name.into(), version: 0, fingerprint: 1, shape: shape.into() };
        let definition = ReceivedDefinition::new(Arc::new(definition));
        let read = EncodedEvent::new(&definition, &payload).read::<NextAlarm>().unwrap();
        assert_eq!(read, Err(CallErrorKind::Incompatible(format!("`{name}`: {expected}").into())));
    };
    check(&[], "its shape was not sent: it is too large, or there are too many");
    check(&[0xff; 9], "the bytes are not a shape");
    check(&[1, 18, 7], "a shape refers to a node that it does not have");
}

#[test]
fn a_name_that_is_too_long_has_a_hash_at_its_end() {
    let long = |last: &str| own::shortened(&format!("{}{last}", "ü".repeat(200)));
    assert_eq!(&*own::shortened("shop::Orders"), "shop::Orders");
    assert!(long("a").len() <= Definition::MAX_NAME && long("a").starts_with("üü"));
    assert_ne!(long("a"), long("b"));
    assert_eq!(long("a"), long("a"));
}

/// The bytes of wire version 1. Nodes of two versions of greenroom compare them, so a change here separates the two.
#[test]
fn the_bytes_of_a_definition_are_recorded() {
    #[derive(Serialize, Deserialize)]
    enum Payment {
        Cash,
        #[serde(alias = "Plastic")]
        Card(Option<String>),
        Voucher {
            number: u32,
            parts: Vec<(i8, bool)>,
            raw: [u8; 3],
        },
    }
    let own = record_type::<Payment>();
    let definition = own.get().unwrap();
    let hex: String = definition.shape.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, RECORDED.concat());
}

const RECORDED: [&str; 2] = [
    "0c18030443617368000104436172640107506c61737469630207566f756368657200030112041703066e756d6265",
    "7200050570617274730006037261770007100a1308160b031502090a030208",
];

/// A type that writes its variants with each other's numbers.
#[derive(Deserialize)]
enum Swapped {
    Left,
    Right,
}

impl Serialize for Swapped {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Swapped::Left => serializer.serialize_unit_variant("Swapped", 1, "Left"),
            Swapped::Right => serializer.serialize_unit_variant("Swapped", 0, "Right"),
        }
    }
}

#[test]
fn a_type_that_reads_its_values_as_others_is_refused() {
    let own = record_type::<Vec<Swapped>>();
    let reason = own.get().unwrap_err();
    assert!(reason.ends_with("do not match: a value that was written is read as another value"), "{reason}");
}
