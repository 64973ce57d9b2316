//! Encoding and decoding of a message's fields: postcard, with bounds on size, nesting, elements and memory,
//! and no trailing bytes.
//!
//! Without the feature `net` no message leaves its node. [`Encoder`] and [`Decoder`] have the same methods then, which
//! return an error.

#[cfg(feature = "net")]
mod bounds;
#[cfg(feature = "net")]
mod byte_string;
#[cfg(feature = "net")]
mod encoded_state;
#[cfg(feature = "serde")]
mod field_with;
#[cfg(feature = "serde")]
mod functions;
mod payload;
#[cfg(feature = "net")]
mod with_net;
#[cfg(not(feature = "net"))]
mod without_net;

#[cfg(feature = "net")]
pub(crate) use byte_string::ByteString;
#[cfg(feature = "net")]
pub(crate) use encoded_state::EncodedState;
#[cfg(feature = "serde")]
pub use field_with::FieldWith;
#[cfg(feature = "serde")]
pub use functions::FieldFunctions;
pub use payload::Payload;
pub(crate) use payload::Source;
#[cfg(feature = "net")]
pub use with_net::{Decoder, Encoder};
#[cfg(not(feature = "net"))]
pub use without_net::{Decoder, Encoder};
