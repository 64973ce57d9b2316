//! From files to the credentials of a node.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::time_provider::TimeProvider;

use super::{CertificateError, Certificates};
use crate::base::NodeName;
use crate::session::{Credentials, CredentialsError, KeyMaterial};

/// The largest file that is read.
const MAX_FILE: u64 = 1 << 20;

/// The bytes of the three files.
#[derive(PartialEq, Eq)]
pub(super) struct Contents {
    authorities: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    pub(super) fn read(&self) -> Result<Contents, CertificateError> {
        Ok(Contents {
            authorities: read(&self.authorities)?,
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
        })
    }

    /// Returns the credentials of the node with this name, from the contents of the files.
    pub(super) fn credentials(
        &self,
        contents: &Contents,
        node: &NodeName,
        roles: &Arc<BTreeSet<String>>,
        time: &Arc<dyn TimeProvider>,
    ) -> Result<Credentials, CertificateError> {
        let material = KeyMaterial {
            authorities: certificates(&self.authorities, &contents.authorities)?,
            chain: certificates(&self.certificate, &contents.certificate)?,
            key: key(&self.key, &contents.key)?,
        };
        let credentials = Credentials::new(material, Arc::clone(roles), Arc::clone(time));
        let checked = credentials.and_then(|credentials| credentials.check_name(node).map(|()| credentials));
        checked.map_err(|error| match error {
            CredentialsError::Authority(mistake) => malformed(&self.authorities, CERTIFICATES, mistake),
            CredentialsError::Key(mistake) => malformed(&self.key, KEY, mistake),
            CredentialsError::OtherKey => CertificateError::OtherKey(self.key.clone(), self.certificate.clone()),
            CredentialsError::Certificate(fault) => CertificateError::Certificate(self.certificate.clone(), fault),
        })
    }

    pub(super) fn certificate_path(&self) -> &Path {
        &self.certificate
    }
}

const CERTIFICATES: &str = "certificates";
const KEY: &str = "a private key";

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let failed = |error| CertificateError::File(path.to_owned(), error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // One byte more, to notice a file that is too large.
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}

fn certificates(path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(malformed(path, CERTIFICATES, "the file has none".to_owned()))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(malformed(path, CERTIFICATES, error.to_string())),
    }
}

fn key(path: &Path, bytes: &[u8]) -> Result<PrivateKeyDer<'static>, CertificateError> {
    PrivateKeyDer::from_pem_slice(bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => malformed(path, KEY, "the file has none".to_owned()),
        error => malformed(path, KEY, error.to_string()),
    })
}

fn malformed(path: &Path, expected: &'static str, mistake: String) -> CertificateError {
    CertificateError::Malformed(path.to_owned(), expected, mistake)
}
