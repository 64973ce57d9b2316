//! The two ways into a cluster: a cookie, or certificates. A node has one of them, and never falls back to the other.

#[cfg(feature = "tls")]
mod certificates;
mod cookie;

use std::sync::Arc;

#[cfg(feature = "tls")]
use certificates::CertificateStore;
#[cfg(feature = "tls")]
pub use certificates::{CertificateError, Certificates};
pub use cookie::{Cookie, CookieError};

use super::Cluster;
use super::membership::ResolvedPolicy;
use crate::base::NodeName;
use crate::node::Node;
use crate::sched::Clock;
use crate::session::{CookieKeys, Security};

/// The way in that a program has configured.
#[derive(Default)]
pub(super) struct AccessConfig {
    pub(super) cookie: Option<Cookie>,
    pub(super) accepted_cookie: Option<Cookie>,
    #[cfg(feature = "tls")]
    pub(super) certificates: Option<Certificates>,
}

/// The way in of a node that runs.
#[derive(Clone)]
pub(super) enum Access {
    Cookie(CookieKeys),
    #[cfg(feature = "tls")]
    Certificates(Arc<CertificateStore>),
}

/// A mistake in the configuration of a way in.
pub(super) enum AccessError {
    /// There is neither a cookie nor a certificate.
    Missing,
    Cookie(CookieError),
    #[cfg(feature = "tls")]
    Certificates(CertificateError),
    /// There are both.
    #[cfg(feature = "tls")]
    Both,
}

impl AccessConfig {
    /// Returns what the environment defines: certificates, or else a cookie.
    pub(super) fn from_environment() -> Result<AccessConfig, AccessError> {
        #[cfg(feature = "tls")]
        if let Some(certificates) = Certificates::from_environment().map_err(AccessError::Certificates)? {
            if Cookie::is_in_environment() {
                return Err(AccessError::Both);
            }
            return Ok(AccessConfig { certificates: Some(certificates), ..AccessConfig::default() });
        }
        Ok(AccessConfig {
            cookie: Some(Cookie::load().map_err(AccessError::Cookie)?),
            accepted_cookie: Cookie::load_accepted().map_err(AccessError::Cookie)?,
            #[cfg(feature = "tls")]
            certificates: None,
        })
    }

    /// Returns the way in of the node with this name.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables))]
    pub(super) fn resolve(
        self,
        node: &NodeName,
        policy: &ResolvedPolicy,
        clock: &Arc<dyn Clock>,
    ) -> Result<Access, AccessError> {
        #[cfg(feature = "tls")]
        if let Some(certificates) = self.certificates {
            if self.cookie.is_some() || self.accepted_cookie.is_some() {
                return Err(AccessError::Both);
            }
            let store = CertificateStore::load(certificates, node, policy.roles(), clock);
            return Ok(Access::Certificates(Arc::new(store.map_err(AccessError::Certificates)?)));
        }
        let cookie = self.cookie.ok_or(AccessError::Missing)?;
        let accepted = self.accepted_cookie.as_ref().map(Cookie::key);
        Ok(Access::Cookie(CookieKeys { own: cookie.key(), accepted }))
    }
}

impl Access {
    /// Starts the task that watches over the certificates until the node stops.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables))]
    pub(super) fn attend(&self, node: &Node, cluster: &Cluster) {
        #[cfg(feature = "tls")]
        if let Access::Certificates(store) = self {
            node.spawner().spawn(Arc::clone(store).watch(node.clone(), cluster.closing.subscribe()));
        }
    }

    /// Returns the means of the next connection.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables))]
    pub(super) fn security(&self, node: &Node) -> Security {
        match self {
            Access::Cookie(keys) => Security::Cookie(keys.clone()),
            #[cfg(feature = "tls")]
            Access::Certificates(store) => Security::Certificates(store.current(node)),
        }
    }
}
