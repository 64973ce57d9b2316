//! The rights of each peer.

use std::collections::BTreeMap;
#[cfg(feature = "tls")]
use std::collections::BTreeSet;

use crate::base::{InvalidName, NodeName, Right};

/// The rights of peers on a node; for [`NodeBuilder::policy`](crate::NodeBuilder::policy).
///
/// ```
/// use greenroom::{Policy, Right};
///
/// let policy = Policy::cookie()
///     .without(Right::Spawn)
///     .role("monitor", [Right::Names, Right::Inspect])
///     .assign("watcher@ops", "monitor");
/// ```
///
/// A peer without a role has the rights of all peers: every right with [`Policy::cookie`], fewer after
/// [`without`](Policy::without). A peer with a role has the rights of the role, and no others.
///
/// Each refusal is counted in [`Counters::refused_by_policy`](crate::Counters::refused_by_policy) and logged. Calls, starts
/// and monitors receive an error: [`CallErrorKind::NotAllowed`](crate::CallErrorKind::NotAllowed) or
/// [`SpawnError::NotAllowed`](crate::SpawnError::NotAllowed). Casts and exit signals have no answer, and are dropped.
///
/// A node proves that it has the cookie, and not that it has the name that it states. So with a cookie alone, roles keep
/// honest nodes from mistakes, and do not separate nodes that do not trust each other.
///
/// A node with a certificate, of the feature `tls`, proves its name. The certificate may also give it a role, by the URI
/// `greenroom-role:monitor`. A role that the policy assigns to the name counts before that of the certificate. A peer
/// whose certificate has a role that the policy does not define is refused.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    others: Rights,
    roles: BTreeMap<String, Rights>,
    /// The name of a peer, and its role.
    assigned: Vec<(String, String)>,
}

/// A set of rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct Rights(u8);

impl Default for Rights {
    fn default() -> Rights {
        Right::ALL.into_iter().collect()
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Rights {
        Rights(rights.into_iter().fold(0, |bits, right| bits | bit(right)))
    }
}

impl Rights {
    pub(in crate::cluster) fn has(self, right: Right) -> bool {
        self.0 & bit(right) != 0
    }
}

fn bit(right: Right) -> u8 {
    1 << right as u8
}

impl Policy {
    /// Returns the policy of a node that sets none: each node that has the cookie, or a certificate, has every right.
    #[must_use]
    pub fn cookie() -> Policy {
        Policy::default()
    }

    /// Removes a right from the peers without a role.
    #[must_use]
    pub fn without(mut self, right: Right) -> Policy {
        self.others = Rights(self.others.0 & !bit(right));
        self
    }

    /// Defines a role, or replaces it.
    #[must_use]
    pub fn role(mut self, name: &str, rights: impl IntoIterator<Item = Right>) -> Policy {
        self.roles.insert(name.to_owned(), rights.into_iter().collect());
        self
    }

    /// Gives the peer with this name a role. The last one counts.
    ///
    /// [`NodeBuilder::start`](crate::NodeBuilder::start) fails if the role is not defined, or if the name is not that of a
    /// node.
    #[must_use]
    pub fn assign(mut self, peer: &str, role: &str) -> Policy {
        self.assigned.push((peer.to_owned(), role.to_owned()));
        self
    }

    /// Returns the rights of each peer with a role, and those of the others.
    ///
    /// # Errors
    /// A role is not defined, or a name is not that of a node.
    pub(in crate::cluster) fn resolve(self) -> Result<ResolvedPolicy, PolicyError> {
        let mut peers = BTreeMap::new();
        for (peer, role) in self.assigned {
            let rights = self.roles.get(&role).ok_or_else(|| PolicyError::Role(role.clone()))?;
            peers.insert(NodeName::new(&peer).map_err(PolicyError::Name)?, *rights);
        }
        Ok(ResolvedPolicy { others: self.others, roles: self.roles, peers })
    }
}

/// A mistake in a policy.
pub(in crate::cluster) enum PolicyError {
    /// The role is not defined.
    Role(String),
    /// The name is not that of a node.
    Name(InvalidName),
}

/// The rights of each peer.
#[derive(Debug, Default)]
pub(in crate::cluster) struct ResolvedPolicy {
    others: Rights,
    roles: BTreeMap<String, Rights>,
    peers: BTreeMap<NodeName, Rights>,
}

impl ResolvedPolicy {
    /// Returns the rights of a peer whose certificate has this role.
    pub(in crate::cluster) fn rights_of(&self, peer: &NodeName, certified: Option<&str>) -> Rights {
        let by_certificate = || certified.and_then(|role| self.roles.get(role));
        self.peers.get(peer).or_else(by_certificate).copied().unwrap_or(self.others)
    }

    /// Returns the names of the roles.
    #[cfg(feature = "tls")]
    pub(in crate::cluster) fn roles(&self) -> BTreeSet<String> {
        self.roles.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_by_name_counts_before_that_of_the_certificate() {
        let policy = Policy::cookie().without(Right::Spawn).role("monitor", [Right::Names]).role("guest", []);
        let Ok(resolved) = policy.assign("a@test", "guest").resolve() else { panic!("both roles are defined") };
        for (peer, certified, rights) in [
            ("a@test", None, vec![]),
            ("a@test", Some("monitor"), vec![]),
            ("b@test", Some("monitor"), vec![Right::Names]),
            ("b@test", Some("guest"), vec![]),
            ("b@test", None, Right::ALL.into_iter().filter(|right| *right != Right::Spawn).collect()),
        ] {
            let found = resolved.rights_of(&NodeName::new(peer).unwrap(), certified);
            assert_eq!(found, rights.into_iter().collect(), "{peer} {certified:?}");
        }
    }
}
