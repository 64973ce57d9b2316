//! Parsing and rewriting of the user's tokens: attributes, options, durations, types and generics. No part of it is
//! specific to one macro.

pub(crate) mod attr;
pub(crate) mod duration;
pub(crate) mod generics;
pub(crate) mod options;
pub(crate) mod self_type;
pub(crate) mod serde_attrs;
pub(crate) mod text;
pub(crate) mod types;
pub(crate) mod unsendable;
pub(crate) mod visibility;
