//! The certificate and the key of a node, with the authorities of its peers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{ClientConnection, Resumption};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerConnection, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, Connection, Error, InconsistentKeys, RootCertStore, ServerConfig};

use super::chain::ChainVerifier;
use super::fault::CertificateFault;
use super::names::CertifiedNames;
use crate::base::NodeName;

/// The certificates and the key that a node has.
pub(crate) struct KeyMaterial {
    /// The authorities whose certificates the node accepts.
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    /// The node's certificate, and the intermediate ones up to an authority.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The key of the node's certificate.
    pub(crate) key: PrivateKeyDer<'static>,
}

/// The configuration of the TLS of a node's connections.
pub(crate) struct Credentials {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    /// The roles that the node's policy defines.
    pub(super) roles: Arc<BTreeSet<String>>,
    names: CertifiedNames,
    expires: UnixTime,
}

/// The reason why key material is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CredentialsError {
    /// A certificate of an authority is not valid, with the reason.
    Authority(String),
    /// The key has no form that TLS can use, with the reason.
    Key(String),
    /// The key is not that of the certificate.
    OtherKey,
    /// Peers with the same authorities would not accept the certificate.
    Certificate(CertificateFault),
}

impl Credentials {
    /// Returns the credentials of a node.
    ///
    /// # Errors
    /// A peer with the same authorities would not accept the certificate at present, or the key is of no use.
    pub(crate) fn new(
        material: KeyMaterial,
        roles: Arc<BTreeSet<String>>,
        time: Arc<dyn TimeProvider>,
    ) -> Result<Credentials, CredentialsError> {
        let KeyMaterial { authorities, chain, key } = material;
        let provider = Arc::new(ring::default_provider());
        let authorities = Arc::new(trusted(authorities)?);
        let algorithms = provider.signature_verification_algorithms;
        let servers = Arc::new(ChainVerifier { authorities: Arc::clone(&authorities), algorithms });
        let clients = WebPkiClientVerifier::builder_with_provider(authorities, Arc::clone(&provider))
            // Peers need no list of the authorities: each has one certificate.
            .clear_root_hint_subjects()
            .build()
            .map_err(|error| CredentialsError::Authority(error.to_string()))?;
        let fault = |error| CredentialsError::Certificate(fault(error));
        let now = time.current_time().ok_or_else(|| fault(Error::FailedToGetCurrentTime))?;
        verify(&chain, &servers, &*clients, now).map_err(fault)?;
        let names = chain.first().map_or(Err(CertificateFault::Missing), CertifiedNames::of);
        let names = names.map_err(CredentialsError::Certificate)?;
        let expires = expires(&chain, &servers);
        let own = Arc::new(SingleCertAndKey::from(certified_key(chain, key, &provider)?));

        let client = ClientConfig::builder_with_details(Arc::clone(&provider), Arc::clone(&time));
        let client = client.with_protocol_versions(&[&TLS13]).map_err(fault)?;
        // "Dangerous" is a verifier that is not that of rustls. See there why it is safe.
        let client = client.dangerous().with_custom_certificate_verifier(servers);
        let mut client = client.with_client_cert_resolver(Arc::clone(&own) as _);
        let server = ServerConfig::builder_with_details(provider, time);
        let server = server.with_protocol_versions(&[&TLS13]).map_err(fault)?;
        let mut server = server.with_client_cert_verifier(clients).with_cert_resolver(own);
        // A resumed session would not verify the certificate again.
        client.resumption = Resumption::disabled();
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        client.enable_sni = false;
        Ok(Credentials { client: Arc::new(client), server: Arc::new(server), roles, names, expires })
    }

    /// Checks that the certificate is for the node with this name.
    pub(crate) fn check_name(&self, node: &NodeName) -> Result<(), CredentialsError> {
        self.names.check_name(node).map_err(CredentialsError::Certificate)
    }

    /// Returns the time after which peers do not accept the certificate any more.
    pub(crate) fn expires(&self) -> UnixTime {
        self.expires
    }

    /// Returns the TLS of a connection that this node dials.
    pub(super) fn dial(&self) -> Result<Connection, Error> {
        // Neither sent nor verified.
        let name = ServerName::try_from("greenroom").map_err(|error| Error::General(error.to_string()))?;
        ClientConnection::new(Arc::clone(&self.client), name).map(Connection::Client)
    }

    /// Returns the TLS of a connection that this node accepts.
    pub(super) fn accept(&self) -> Result<Connection, Error> {
        ServerConnection::new(Arc::clone(&self.server)).map(Connection::Server)
    }
}

#[cfg(test)]
impl Credentials {
    /// Returns what a dialler sends, for a test to change.
    pub(in crate::session) fn client(&mut self) -> &mut ClientConfig {
        Arc::make_mut(&mut self.client)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

fn trusted(authorities: Vec<CertificateDer<'static>>) -> Result<RootCertStore, CredentialsError> {
    let mut trusted = RootCertStore::empty();
    for authority in authorities {
        trusted.add(authority).map_err(|error| CredentialsError::Authority(error.to_string()))?;
    }
    Ok(trusted)
}

/// Verifies a certificate as the two sides of a connection do.
fn verify(
    chain: &[CertificateDer<'_>],
    servers: &ChainVerifier,
    clients: &dyn ClientCertVerifier,
    now: UnixTime,
) -> Result<(), Error> {
    let (certificate, intermediates) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
    servers.verify(certificate, intermediates, now)?;
    clients.verify_client_cert(certificate, intermediates, now).map(drop)
}

/// Returns the time at which the first of these certificates expires.
fn expires(chain: &[CertificateDer<'_>], verifier: &ChainVerifier) -> UnixTime {
    let end_of_time = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    // The verifier checks the time first, and names the end in its error. No other part of its interface does.
    let expiries = chain.iter().filter_map(|certificate| match verifier.verify(certificate, &[], end_of_time) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => Some(not_after),
        _ => None,
    });
    expiries.min().unwrap_or(end_of_time)
}

fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, CredentialsError> {
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => CredentialsError::OtherKey,
        error => CredentialsError::Key(error.to_string()),
    })
}

fn fault(error: Error) -> CertificateFault {
    match error {
        Error::InvalidCertificate(error) => error.into(),
        error => CertificateFault::Other(error.to_string()),
    }
}
