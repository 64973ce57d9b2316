//! Layer 0: the structure of types as serde sees it, and values that are read by the structure of their writer's type.
//!
//! Two programs can have different versions of one type. The [`Shape`] of the writer's type goes to the reader once. The
//! reader then finds fields and variants by their names, and applies serde's rules for fields that are missing, renamed
//! or unknown. The bytes stay postcard's. The idea is that of
//! [Avro's schema resolution](https://avro.apache.org/docs/1.12.0/specification/#schema-resolution).
//!
//! - [`Recorder`] finds the shape of a type by its own `Deserialize`, which runs on invented values.
//! - [`Resolver`] reads a value by the shape of its writer into another type.
//! - [`released`] compares types with a released shape, for tests.
//! - [`Value`] is a value of any type, which is written and read by a shape without the type itself.
//!
//! Both are a [`Core`](self::core::Core) behind one serde `Deserializer`. So the compiler generates the code of a
//! type's `Deserialize` once for both.
//!
//! Type names and newtype structs are not a part of a shape, since neither postcard nor serde's derive regards them.

#[cfg(feature = "net")]
mod canonical;
#[cfg(feature = "net")]
mod core;
#[cfg(feature = "net")]
mod deserializer;
#[cfg(feature = "net")]
mod encoding;
#[cfg(feature = "net")]
mod error;
#[cfg(feature = "net")]
mod input;
mod markers;
#[cfg(feature = "net")]
mod node;
#[cfg(feature = "net")]
mod recorder;
#[cfg(all(feature = "net", feature = "test"))]
mod released;
#[cfg(feature = "net")]
mod resolver;
#[cfg(test)]
#[cfg(feature = "net")]
mod tests;
#[cfg(feature = "inspect")]
mod value;

#[cfg(feature = "net")]
pub(crate) use error::{Cause, ShapeError};
pub(crate) use markers::{REPLY, STUB};
#[cfg(feature = "net")]
pub(crate) use node::{Aliases, Field, Node, NodeIndex, Shape};
#[cfg(feature = "net")]
pub(crate) use recorder::Recorder;
#[cfg(all(feature = "net", feature = "test"))]
pub(crate) use released::{Samples, describe, unreadable_answers};
#[cfg(feature = "net")]
pub(crate) use resolver::Resolver;
#[cfg(feature = "inspect")]
pub use value::{Value, ValueError};
