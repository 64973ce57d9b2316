//! What reads the user's tokens: attributes, options, types, generics. Nothing here knows of a single macro.

pub(crate) mod attr;
pub(crate) mod duration;
pub(crate) mod generics;
pub(crate) mod options;
pub(crate) mod self_type;
pub(crate) mod text;
pub(crate) mod types;
pub(crate) mod unsendable;
pub(crate) mod visibility;
