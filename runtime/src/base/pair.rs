//! A struct of two fields in serde's terms, as its derive would have it.

use std::fmt;
use std::marker::PhantomData;

use serde_core::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_core::ser::{Serialize, SerializeStruct, Serializer};

/// The names of the fields, in their order.
type Names = [&'static str; 2];

pub(super) fn write_pair<S: Serializer>(
    serializer: S,
    name: &'static str,
    [first, second]: Names,
    one: &impl Serialize,
    other: &impl Serialize,
) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_struct(name, 2)?;
    fields.serialize_field(first, one)?;
    fields.serialize_field(second, other)?;
    fields.end()
}

pub(super) fn read_pair<'de, D: Deserializer<'de>, A: Deserialize<'de>, B: Deserialize<'de>>(
    deserializer: D,
    name: &'static str,
    names: &'static Names,
) -> Result<(A, B), D::Error> {
    deserializer.deserialize_struct(name, names, Pair { name, names, fields: PhantomData })
}

struct Pair<A, B> {
    name: &'static str,
    names: &'static Names,
    fields: PhantomData<(A, B)>,
}

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Visitor<'de> for Pair<A, B> {
    type Value = (A, B);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "struct {}", self.name)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut fields: S) -> Result<(A, B), S::Error> {
        let one = fields.next_element()?.ok_or_else(|| S::Error::invalid_length(0, &self))?;
        let other = fields.next_element()?.ok_or_else(|| S::Error::invalid_length(1, &self))?;
        Ok((one, other))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<(A, B), M::Error> {
        let [first, second] = *self.names;
        let (mut one, mut other) = (None, None);
        while let Some(name) = fields.next_key::<String>()? {
            if name == first && one.is_none() {
                one = Some(fields.next_value()?);
            } else if name == second && other.is_none() {
                other = Some(fields.next_value()?);
            } else if name == first || name == second {
                return Err(M::Error::custom(format_args!("duplicate field `{name}`")));
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok((one.ok_or_else(|| M::Error::missing_field(first))?, other.ok_or_else(|| M::Error::missing_field(second))?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::base::{NodeId, NodeName, Pid};

    /// What a pid is read from, or what is wrong with it.
    fn check(json: &str, expected: Result<(), &str>) {
        let pid = Pid::new(Arc::new(NodeId { name: NodeName::new("a@b").unwrap(), incarnation: 7 }), 9);
        match (serde_json::from_str::<Pid>(json), expected) {
            (Ok(read), Ok(())) => assert_eq!(read, pid, "{json}"),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{json}: {error}"),
            (read, expected) => panic!("{json}: {read:?}, not {expected:?}"),
        }
        let written = r#"{"node":{"name":"a@b","incarnation":7},"number":9}"#;
        assert_eq!(serde_json::to_string(&pid).unwrap(), written);
    }

    #[test]
    fn fields_come_by_name_or_in_their_order() {
        check(r#"{"node":{"name":"a@b","incarnation":7},"number":9}"#, Ok(()));
        check(r#"{"number":9,"more":[1],"node":{"incarnation":7,"name":"a@b"}}"#, Ok(()));
        check(r#"[["a@b",7],9]"#, Ok(()));
        check(r#"{"number":9}"#, Err("missing field `node`"));
        check(r#"{"number":9,"number":9}"#, Err("duplicate field `number`"));
        check(r#"[["a@b",7]]"#, Err("invalid length 1, expected struct Pid"));
        check("9", Err("expected struct Pid"));
    }
}
