//! A [registry](greenroom::registry::Registry) of greenroom on [etcd](https://etcd.io): its global names and applications
//! have at most one owner, also while the network is split.
//!
//! All nodes of a cluster use the same etcd and the same prefix:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use greenroom_etcd::Etcd;
//!
//! # fn registry() -> Result<Etcd, greenroom_etcd::EtcdError> {
//! let etcd = Etcd::builder(["http://10.0.0.1:2379", "http://10.0.0.2:2379", "http://10.0.0.3:2379"])
//!     .prefix("greenroom/shop/")
//!     .lease(Duration::from_secs(10))
//!     .build()?;
//! # Ok(etcd)
//! # }
//! ```
//!
//! # Claims
//! A claim on a key is a key of etcd, the prefix and the claim's key. It has the lease of its node. Its value is JSON, so
//! `etcdctl get --prefix greenroom/shop/` shows the owners.
//!
//! | in the registry | in etcd |
//! |---|---|
//! | a claim | a transaction: if the key does not exist, it is put with the lease of the node, otherwise it is read |
//! | the token of a claim | the revision that created the key. Revisions of etcd only grow |
//! | a renewal | a keepalive of the lease, and a read that proves that the leader which renewed it still leads |
//! | a release | a transaction: the key is deleted if it has the revision of the claim |
//! | a lookup | a read through the leader |
//! | the changes | a snapshot, and a watch from its revision on |
//!
//! etcd ends the lease of a node that does not renew it, and deletes its keys. A new leader of etcd counts all leases from
//! the beginning, so after the loss of a leader a claim can last for two leases.
//!
//! # Members
//! A request is sent to the member that answered the previous one, and then to each other. The members
//! share the time that the node waits, a third of the lease and at most 2 s, so that each of them can be tried. A watch that receives nothing for one
//! lease continues at the next member: so a member that has stopped, or has lost the others, delays changes by one lease.
//!
//! # Limits
//! - The fencing tokens hold for as long as etcd has its data. If etcd is restored from a backup, its revisions repeat:
//!   use `etcdutl snapshot restore --bump-revision`, or stop the nodes and use another prefix.
//! - A value has at most 16 KiB. A prefix has at most 255 bytes. A snapshot has at most 1,048,576 claims, and one answer
//!   at most 16 MiB.
//! - etcd is reached through the JSON gateway that each member from version 3.4 on has at the address for its clients.
//!
//! # Features
//! - `tls`: members of etcd with `https://` addresses: certificates of an authority of your own, and a client
//!   certificate.

// The features of an item are shown beside it. docs.rs has the compiler that this needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
mod answer;
mod builder;
mod client;
mod entry;
mod error;
mod etcd;
mod lease;
#[cfg(feature = "tls")]
mod tls;
mod watch;

pub use builder::EtcdBuilder;
pub use error::EtcdError;
pub use etcd::Etcd;
