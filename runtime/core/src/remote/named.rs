//! The arguments of a function or a constructor, by the names of its parameters.
//!
//! serde sees a struct whose fields are the parameters. So two releases can have different parameters, as they can have
//! different fields in a message.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};

/// The names of the parameters.
pub trait Names: 'static {
    /// In the order of the parameters.
    const PARAMS: &'static [&'static str];
}

/// Arguments with the names of `N`.
pub struct Named<N, T>(pub(super) T, pub(super) PhantomData<fn() -> N>);

impl<N, T> Named<N, T> {
    pub(super) fn new(args: T) -> Named<N, T> {
        Named(args, PhantomData)
    }
}

/// A type that is sent to another node, as a parameter or as an answer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent to another node",
    label = "does not implement serde's traits",
    note = "write `#[derive(Serialize, Deserialize)]` on the type `{Self}`"
)]
pub trait RemoteValue: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> RemoteValue for T {}

/// A tuple of at most 12 arguments.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be the arguments of a function on another node")]
pub trait Arguments: Sized + Send + 'static {
    #[doc(hidden)]
    fn __serialize<S: SerializeStruct>(&self, names: &'static [&'static str], fields: &mut S) -> Result<(), S::Error>;
    #[doc(hidden)]
    fn __visit_seq<'de, A: SeqAccess<'de>>(sequence: A) -> Result<Self, A::Error>;
    #[doc(hidden)]
    fn __visit_map<'de, A: MapAccess<'de>>(names: &'static [&'static str], map: A) -> Result<Self, A::Error>;
}

/// Implements [`Arguments`] for the tuple of these types.
macro_rules! arguments {
    ($($ty:ident $index:tt)*) => {
        impl<$($ty: RemoteValue),*> Arguments for ($($ty,)*) {
            #[allow(unused_variables)]
            fn __serialize<S: SerializeStruct>(
                &self,
                names: &'static [&'static str],
                fields: &mut S,
            ) -> Result<(), S::Error> {
                $(fields.serialize_field(names[$index], &self.$index)?;)*
                Ok(())
            }

            #[allow(unused_mut, unused_variables)]
            fn __visit_seq<'de, A: SeqAccess<'de>>(mut sequence: A) -> Result<Self, A::Error> {
                Ok(($(sequence.next_element::<$ty>()?.ok_or_else(|| A::Error::invalid_length($index, &"all arguments"))?,)*))
            }

            #[allow(unused_mut, unused_variables)]
            fn __visit_map<'de, A: MapAccess<'de>>(
                names: &'static [&'static str],
                mut map: A,
            ) -> Result<Self, A::Error> {
                let mut arguments = ($(None::<$ty>,)*);
                while let Some(Position(position)) = map.next_key_seed(PositionOf(names))? {
                    match position {
                        $(Some($index) if arguments.$index.is_some() => {
                            return Err(A::Error::duplicate_field(names[$index]));
                        }
                        Some($index) => arguments.$index = Some(map.next_value()?),)*
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(($(match arguments.$index {
                    Some(argument) => argument,
                    None => $ty::deserialize(Missing(names[$index], PhantomData))?,
                },)*))
            }
        }
    };
}

arguments!();
arguments!(T0 0);
arguments!(T0 0 T1 1);
arguments!(T0 0 T1 1 T2 2);
arguments!(T0 0 T1 1 T2 2 T3 3);
arguments!(T0 0 T1 1 T2 2 T3 3 T4 4);
arguments!(T0 0 T1 1 T2 2 T3 3 T4 4 T5 5);
arguments!(T0 0 T1 1 T2 2 T3 3 T4 4 T5 5 T6 6);
arguments!(T0 0 T1 1 T2 2 T3 3 T4 4 T5 5 T6 6 T7 7);
arguments!(T0 0 T1 1 T2 2 T3 3 T4 4 T5 5 T6 6 T7 7 T8 8);
arguments!(T0 0 T1 1 T2 2 T3 3 T4 4 T5 5 T6 6 T7 7 T8 8 T9 9);
arguments!(T0 0 T1 1 T2 2 T3 3 T4 4 T5 5 T6 6 T7 7 T8 8 T9 9 T10 10);
arguments!(T0 0 T1 1 T2 2 T3 3 T4 4 T5 5 T6 6 T7 7 T8 8 T9 9 T10 10 T11 11);

/// The position of a name; `None` for one that the function does not have.
struct Position(Option<usize>);

/// Reads the [`Position`] among these names.
struct PositionOf(&'static [&'static str]);

impl<'de> serde::de::DeserializeSeed<'de> for PositionOf {
    type Value = Position;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Position, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for PositionOf {
    type Value = Position;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a parameter")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Position, E> {
        Ok(Position(self.0.iter().position(|known| *known == name)))
    }
}

/// An argument that was not sent: an `Option` has no value, and others are an error.
struct Missing<E>(&'static str, PhantomData<E>);

impl<'de, E: Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        Err(E::missing_field(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<N: Names, T: Arguments> Serialize for Named<N, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("arguments", N::PARAMS.len())?;
        self.0.__serialize(N::PARAMS, &mut fields)?;
        fields.end()
    }
}

impl<'de, N: Names, T: Arguments> Deserialize<'de> for Named<N, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Named<N, T>, D::Error> {
        deserializer.deserialize_struct("arguments", N::PARAMS, ArgumentsVisitor::<N, T>(PhantomData))
    }
}

struct ArgumentsVisitor<N, T>(PhantomData<fn() -> (N, T)>);

impl<'de, N: Names, T: Arguments> Visitor<'de> for ArgumentsVisitor<N, T> {
    type Value = Named<N, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the arguments of a function")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Named<N, T>, A::Error> {
        T::__visit_seq(sequence).map(Named::new)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Named<N, T>, A::Error> {
        T::__visit_map(N::PARAMS, map).map(Named::new)
    }
}
