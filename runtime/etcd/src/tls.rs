//! TLS for the connections to etcd.

use std::path::{Path, PathBuf};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::EtcdError;

/// The files that the program has named.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) authority: Option<PathBuf>,
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

impl Files {
    /// Reads the files.
    pub(crate) fn connector(&self, http: HttpConnector) -> Result<HttpsConnector<HttpConnector>, EtcdError> {
        let mut authorities = RootCertStore::empty();
        if let Some(file) = &self.authority {
            for certificate in certificates(file)? {
                authorities.add(certificate).map_err(|error| unusable(file, error))?;
            }
        }
        let provider = rustls::crypto::ring::default_provider();
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("ring has the ciphers of TLS 1.3")
            .with_root_certificates(authorities);
        let config = match &self.certificate {
            None => config.with_no_client_auth(),
            Some((file, key_file)) => {
                let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| unusable(key_file, error))?;
                config.with_client_auth_cert(certificates(file)?, key).map_err(|error| unusable(key_file, error))?
            }
        };
        Ok(HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(http))
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, EtcdError> {
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(unusable(file, "it has no certificate")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unusable(file, error)),
    }
}

fn unusable(file: &Path, reason: impl ToString) -> EtcdError {
    EtcdError::File { path: file.to_owned(), reason: reason.to_string() }
}
