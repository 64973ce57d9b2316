//! The filter between the stream and the session.

use std::io::{BufRead as _, Write as _};
use std::mem;
use std::sync::Arc;

use rustls::{AlertDescription, Connection, Error};

use super::credentials::Credentials;
use super::fault::CertificateFault;
use super::names::CertifiedNames;
use crate::base::NodeName;
use crate::session::handshake::preamble::{MAGIC, TLS_MAGIC};
use crate::session::{Refusal, Role, SessionError};

/// The TLS of one session.
pub(in crate::session) struct Tls {
    role: Role,
    credentials: Arc<Credentials>,
    /// The first bytes of this side are sent.
    has_greeted: bool,
    /// The first bytes of the peer, up to four.
    greeting: Vec<u8>,
    /// Made when it is first used: a listener has no state of TLS for a peer that has sent nothing.
    connection: Option<Connection>,
}

impl Tls {
    pub(in crate::session) fn boxed(role: Role, credentials: Arc<Credentials>) -> Box<Tls> {
        Box::new(Tls { role, credentials, has_greeted: false, greeting: Vec::new(), connection: None })
    }

    /// Takes received bytes, and appends those inside to `inside`, also upon an error.
    pub(in crate::session) fn open(&mut self, bytes: &[u8], inside: &mut Vec<u8>) -> Result<(), SessionError> {
        let mut rest = self.read_greeting(bytes)?;
        while !rest.is_empty() {
            let connection = self.connection()?;
            let read = connection.read_tls(&mut rest).map_err(|error| SessionError::Tls(error.to_string()))?;
            if read == 0 {
                return Err(SessionError::Tls("bytes after the end of TLS".to_owned()));
            }
            let processed = connection.process_new_packets();
            let mut reader = connection.reader();
            // The end of the bytes inside is an error of this reader.
            while let Ok(chunk @ [_, ..]) = reader.fill_buf() {
                inside.extend_from_slice(chunk);
                let count = chunk.len();
                reader.consume(count);
            }
            processed.map_err(failed)?;
        }
        Ok(())
    }

    /// Encrypts `inside`, and appends all that has to be sent to `out`, the handshake of TLS included.
    pub(in crate::session) fn seal(&mut self, inside: &[u8], out: &mut Vec<u8>) -> Result<(), SessionError> {
        if self.role == Role::Listener && self.greeting.len() < TLS_MAGIC.len() {
            return Ok(());
        }
        if !mem::replace(&mut self.has_greeted, true) {
            out.extend_from_slice(TLS_MAGIC);
        }
        if self.role == Role::Listener && self.connection.is_none() {
            return Ok(());
        }
        let connection = self.connection()?;
        let written = connection.writer().write_all(inside);
        while written.is_ok() && connection.wants_write() {
            // A `Vec` takes all bytes.
            let _ = connection.write_tls(out);
        }
        written.map_err(|error| SessionError::Tls(error.to_string()))
    }

    /// Compares the peer's certificate with the name in its hello. Returns the role in the certificate, if there is one.
    ///
    /// # Errors
    /// The certificate is not for that name, or has no valid role: the refusal for the peer, and the error.
    pub(in crate::session) fn certify(&self, stated: &NodeName) -> Result<Option<String>, (Refusal, SessionError)> {
        let certificate = self.connection.as_ref().and_then(|connection| connection.peer_certificates()?.first());
        let names = certificate.map_or(Err(CertificateFault::Missing), CertifiedNames::of);
        let role = names.and_then(|names| names.role_of(stated, &self.credentials.roles));
        role.map_err(|fault| {
            let refusal = match fault {
                CertificateFault::UnknownRole(_) => Refusal::UnknownRole,
                CertificateFault::ManyRoles => Refusal::CertifiedRoles,
                _ => Refusal::CertifiedName,
            };
            (refusal, SessionError::Certificate(fault))
        })
    }

    /// Returns the reason after the end of the peer's bytes, before its hello has arrived.
    pub(in crate::session) fn hung_up(&self) -> SessionError {
        SessionError::HungUpInTls
    }

    /// Takes the peer's first bytes, and returns the others.
    fn read_greeting<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], SessionError> {
        let missing = TLS_MAGIC.len() - self.greeting.len();
        let (first, rest) = bytes.split_at(missing.min(bytes.len()));
        self.greeting.extend_from_slice(first);
        if TLS_MAGIC.starts_with(&self.greeting) {
            return Ok(rest);
        }
        if self.greeting == MAGIC {
            return Err(SessionError::PeerHasCookie);
        }
        // A stranger gets no answer.
        self.greeting.clear();
        Err(SessionError::Magic)
    }

    fn connection(&mut self) -> Result<&mut Connection, SessionError> {
        if self.connection.is_none() {
            let connection = match self.role {
                Role::Dialler => self.credentials.dial(),
                Role::Listener => self.credentials.accept(),
            };
            let mut connection = connection.map_err(failed)?;
            // The session bounds what it sends.
            connection.set_buffer_limit(None);
            self.connection = Some(connection);
        }
        self.connection.as_mut().ok_or(SessionError::Closed)
    }
}

fn failed(error: Error) -> SessionError {
    match error {
        Error::InvalidCertificate(error) => SessionError::Certificate(error.into()),
        Error::NoCertificatesPresented => SessionError::Certificate(CertificateFault::Missing),
        Error::DecryptError => SessionError::Forged,
        Error::AlertReceived(alert) => {
            refused(alert).map_or_else(|| SessionError::Tls(error.to_string()), SessionError::CertificateRefused)
        }
        error => SessionError::Tls(error.to_string()),
    }
}

/// Returns the reason for which a peer does not accept a certificate, if the alert is about one.
fn refused(alert: AlertDescription) -> Option<&'static str> {
    Some(match alert {
        AlertDescription::UnknownCA => "the peer does not trust the authority that has issued it",
        AlertDescription::CertificateExpired => "by the peer's clock it has expired, or is not valid yet",
        AlertDescription::UnsupportedCertificate => "it does not allow its use by TLS servers and by TLS clients",
        AlertDescription::DecryptError => "it has a wrong signature",
        AlertDescription::BadCertificate => "it is damaged",
        AlertDescription::CertificateRequired => "it was not sent",
        _ => return None,
    })
}
