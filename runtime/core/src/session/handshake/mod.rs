//! The steps of a session before it is up: preambles in clear, the key exchange, hellos, refusals.

mod cookie_key;
pub(super) mod hello;
pub(super) mod key_exchange;
pub(super) mod preamble;
mod refusal;

pub(crate) use cookie_key::{CookieKey, CookieKeys};
pub(crate) use refusal::Refusal;

use super::{EphemeralKey, Hello, Limits, Role, SessionError, cipher};
