//! The names in a certificate.
//!
//! They are URIs among its subject alternative names:
//!
//! | URI | meaning |
//! |---|---|
//! | `greenroom:name@host` | the certificate is for the node of this name; there may be several |
//! | `greenroom-role:name` | the node has this role of the [`Policy`](crate::Policy) of its peers; there may be one |
//!
//! Other names, such as those of web servers, are ignored.

use std::collections::BTreeSet;

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::fault::{CertificateFault, NODE, ROLE};
use crate::base::NodeName;

/// The names that a fault shows, and the characters of a role.
const MAX_SHOWN: (usize, usize) = (4, 80);

/// The names of nodes and the roles in one certificate.
pub(super) struct CertifiedNames {
    nodes: Vec<NodeName>,
    roles: Vec<String>,
}

impl CertifiedNames {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<CertifiedNames, CertificateFault> {
        let parsed =
            EndEntityCert::try_from(certificate).map_err(|error| CertificateFault::Other(error.to_string()))?;
        let names = |prefix| parsed.valid_uri_names().filter_map(move |uri| uri.strip_prefix(prefix));
        // A text that is not the name of a node is not the name of a peer either.
        let nodes = names(NODE).filter_map(|name| NodeName::new(name).ok()).collect();
        Ok(CertifiedNames { nodes, roles: names(ROLE).map(str::to_owned).collect() })
    }

    /// Returns the role of the node with this name, if it has one.
    ///
    /// # Errors
    /// The certificate is not for this node, or has no role of these.
    pub(super) fn role_of(
        mut self,
        node: &NodeName,
        defined: &BTreeSet<String>,
    ) -> Result<Option<String>, CertificateFault> {
        self.check_name(node)?;
        match self.roles.pop() {
            _ if !self.roles.is_empty() => Err(CertificateFault::ManyRoles),
            Some(role) if !defined.contains(&role) => {
                Err(CertificateFault::UnknownRole(role.chars().take(MAX_SHOWN.1).collect()))
            }
            role => Ok(role),
        }
    }

    /// Checks that the certificate is for this node.
    pub(super) fn check_name(&self, node: &NodeName) -> Result<(), CertificateFault> {
        match &self.nodes[..] {
            nodes if nodes.contains(node) => Ok(()),
            [] => Err(CertificateFault::NoName),
            nodes => {
                let certified = nodes.iter().take(MAX_SHOWN.0).cloned().collect();
                Err(CertificateFault::OtherName { node: node.clone(), certified })
            }
        }
    }
}
