//! The certificates of a node, in place of a cookie. They are files, and are read again for each connection.
//!
//! | module | contents |
//! |---|---|
//! | [`files`] | from three files to the credentials of the node |
//! | [`store`] | the credentials of the next connection: the newest that could be loaded |
//! | [`expiry`] | the alarm before the node's certificate expires |

mod error;
mod expiry;
mod files;
mod store;

use std::env;
use std::path::PathBuf;

pub use error::CertificateError;
pub(super) use store::CertificateStore;

use crate::cluster::NodeBuilder;

/// The files with a node's certificate, for [`NodeBuilder::certificates`].
///
/// ```no_run
/// # use greenroom::{Certificates, Node};
/// # async fn run() -> greenroom::Result {
/// let node = Node::builder("orders@berlin")
///     .certificates(Certificates::files("ca.pem", "node.pem", "node.key"))
///     .listen("0.0.0.0:9100")
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// All files are in PEM, as `openssl` and `cert-manager` write them:
///
/// - `ca.pem` has one certificate or more of the authorities whose nodes are accepted.
/// - `node.pem` has the certificate of this node, followed by the intermediate ones up to an authority, if there are any.
/// - `node.key` has the private key of the node's certificate. Only the owner of the process should be able to read it.
///
/// The certificate has the URI `greenroom:orders@berlin`, with the node's name, among its subject alternative names. If
/// it has an extended key usage, that contains `serverAuth` and `clientAuth`. The URI `greenroom-role:monitor` gives the
/// node a role of its peers' [`Policy`](crate::Policy).
///
/// The files are read again for each connection and every hour, so new ones need no restart. A read blocks its thread:
/// keep the files on a local disk. If new ones cannot be loaded, the previous ones stay in use; that is logged, and
/// counted in [`Counters::rejected_certificates`](crate::Counters::rejected_certificates). Connections that are up
/// continue. A week before the certificate expires, the alarm
/// [`CertificateExpires`](crate::Alarm::CertificateExpires) is raised.
#[derive(Clone, Debug)]
pub struct Certificates {
    authorities: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificates {
    const AUTHORITIES_VARIABLE: &str = "GREENROOM_TLS_CA";
    const CERTIFICATE_VARIABLE: &str = "GREENROOM_TLS_CERT";
    const KEY_VARIABLE: &str = "GREENROOM_TLS_KEY";

    /// Returns the certificates in these files: those of the authorities, that of the node, and its key. The files are not
    /// read before the node starts.
    pub fn files(
        authorities: impl Into<PathBuf>,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Certificates {
        Certificates { authorities: authorities.into(), certificate: certificate.into(), key: key.into() }
    }

    /// Returns the certificates in the files that `GREENROOM_TLS_CA`, `GREENROOM_TLS_CERT` and `GREENROOM_TLS_KEY` name,
    /// if one of the variables is set and not empty.
    pub(super) fn from_environment() -> Result<Option<Certificates>, CertificateError> {
        let variables =
            [Certificates::AUTHORITIES_VARIABLE, Certificates::CERTIFICATE_VARIABLE, Certificates::KEY_VARIABLE];
        let paths = variables.map(|name| env::var_os(name).filter(|path| !path.is_empty()).ok_or(name));
        match paths {
            [Err(_), Err(_), Err(_)] => Ok(None),
            [Ok(authorities), Ok(certificate), Ok(key)] => Ok(Some(Certificates::files(authorities, certificate, key))),
            [first, second, third] => {
                let missing = first.and(second).and(third).err();
                Err(CertificateError::Variable(missing.unwrap_or(Certificates::AUTHORITIES_VARIABLE)))
            }
        }
    }
}

impl NodeBuilder {
    /// Sets the certificates of the node, in place of a cookie. Its peers need certificates, too, of an authority that
    /// this node trusts; nodes with a cookie are refused.
    pub fn certificates(mut self, certificates: Certificates) -> NodeBuilder {
        self.access.certificates = Some(certificates);
        self
    }
}

#[cfg(test)]
mod tests;
