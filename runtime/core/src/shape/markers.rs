//! Names by which the types of greenroom that need more than serde describes are deserialized.

/// The name of the newtype struct by which a `Reply` is deserialized. Its visitor gets:
/// - a sequence with one element of the answer's type, while the type is recorded;
/// - a `u32`, its number, if it is read by a shape;
/// - a newtype struct around the number from postcard.
pub(crate) const REPLY: &str = "greenroom::Reply";

/// The name of the newtype struct by which a stub is deserialized. Within it is a newtype struct whose name is that of
/// the stub's protocol.
pub(crate) const STUB: &str = "greenroom::Stub";
