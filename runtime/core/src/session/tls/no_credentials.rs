//! The credentials of a runtime without the feature `tls`. They have no value.

#[derive(Debug)]
pub(crate) enum Credentials {}
