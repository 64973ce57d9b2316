//! TLS around a session whose node has certificates, by the crate rustls: a [`filter`] between the stream and the session.
//!
//! | from | bytes |
//! |---|---|
//! | each side | `GRNT`, then TLS 1.3 |
//! | a listener, to `GRNM` | `GRNT`; then it hangs up |
//!
//! Inside of TLS the session sends the same bytes as with a cookie, except that there is no Noise: its records are
//! [plain](super::cipher). `GRNM` are the first bytes of a node with a cookie: see
//! [`preamble`](super::handshake::preamble). A listener sends nothing before it has received one of the two.
//!
//! # Certificates
//! Both sides send one. Each verifies that the other's was issued by an authority of its own ([`chain`]), and that it is
//! valid by the time of the node's clock. Nodes are dialled by their addresses, so the certificate is not compared with
//! the dialled host. It is compared with the name in the peer's hello: [`names`].
//!
//! Sessions of TLS are never resumed: a resumed one would not show its certificate.
//!
//! # How it fails
//! A fault of the peer's certificate is a [`CertificateFault`], and the peer receives an alert of TLS, or, for names and
//! roles, a refusal. The memory of a handshake is bounded by rustls to 64 KiB, and its time by the session.

//!
//! Without the feature `tls`, the types of this module have no values.

#[cfg(feature = "tls")]
mod chain;
#[cfg(feature = "tls")]
mod credentials;
#[cfg(feature = "tls")]
mod fault;
#[cfg(feature = "tls")]
mod filter;
#[cfg(feature = "tls")]
mod names;
#[cfg(not(feature = "tls"))]
mod no_credentials;
#[cfg(not(feature = "tls"))]
mod no_filter;

#[cfg(feature = "tls")]
pub(crate) use credentials::{Credentials, CredentialsError, KeyMaterial};
#[cfg(feature = "tls")]
pub use fault::CertificateFault;
#[cfg(feature = "tls")]
pub(super) use filter::Tls;
#[cfg(not(feature = "tls"))]
pub(super) use no_credentials::Credentials;
#[cfg(not(feature = "tls"))]
pub(super) use no_filter::Tls;
