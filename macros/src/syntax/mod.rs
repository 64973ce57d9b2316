//! Parsing and rewriting of the user's tokens: attributes, options, durations, types and generics. Every macro uses it;
//! it knows none of them.

pub(crate) mod attr;
pub(crate) mod duration;
pub(crate) mod generics;
pub(crate) mod options;
pub(crate) mod self_type;
pub(crate) mod text;
pub(crate) mod types;
pub(crate) mod unsendable;
pub(crate) mod visibility;
