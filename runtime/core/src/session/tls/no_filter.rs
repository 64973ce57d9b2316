//! The filter of a runtime without the feature `tls`. It has no value.

use std::sync::Arc;

use super::Credentials;
use crate::base::NodeName;
use crate::session::{Refusal, Role, SessionError};

pub(in crate::session) enum Tls {}

impl Tls {
    pub(in crate::session) fn boxed(_: Role, credentials: Arc<Credentials>) -> Box<Tls> {
        match *credentials {}
    }

    pub(in crate::session) fn open(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<(), SessionError> {
        match *self {}
    }

    pub(in crate::session) fn seal(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<(), SessionError> {
        match *self {}
    }

    pub(in crate::session) fn certify(&self, _: &NodeName) -> Result<Option<String>, (Refusal, SessionError)> {
        match *self {}
    }

    pub(in crate::session) fn hung_up(&self) -> SessionError {
        match *self {}
    }
}
