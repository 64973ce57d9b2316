//! Counts and log events of connections that end before they are up.
//!
//! Any machine that reaches the port can cause these, so their number in the log is limited:
//!
//! | the peer | is logged |
//! |---|---|
//! | is not a node: a port scan, a health check, another protocol | at `debug`; their number once a minute at `info` |
//! | has another cookie, cluster or version, a certificate that is not accepted, or this node's name | at `warn`, once a minute for each address |
//! | is this node itself, is connected already, or stops | at `debug`, and is not counted |

use crate::log;
use crate::net::{Closed, source_of};
use crate::node::Node;
use crate::observe::ReportKind;
use crate::session::{Refusal, Role, SessionError};

/// Counts and logs a connection with `address` that ended before it was up.
pub(super) fn refused(node: &Node, role: Role, address: &str, reason: &Closed) {
    let name = node.name();
    match reason {
        Closed::ByThisNode | Closed::ByPeer => {}
        Closed::Session(
            SessionError::Reflected
            | SessionError::Refused(Refusal::Duplicate | Refusal::Stopping)
            | SessionError::RefusedHere(Refusal::Duplicate | Refusal::Stopping),
        ) => {
            log::debug!(target: "greenroom", node = %name, address, reason = %log::Escaped(reason), "connection not needed");
        }
        reason if role == Role::Listener && is_stranger(reason) => stranger(node, address, reason),
        reason => {
            node.loss_counts().count_refused_connection();
            let source = if role == Role::Listener { source_of(address) } else { address.to_owned() };
            node.report(ReportKind::Refused(source.into()), || {
                log::warn!(target: "greenroom", node = %name, address, reason = %log::Escaped(reason), "connection refused");
            });
        }
    }
}

/// Counts a connection from a peer that is not a node, or that does not complete its handshake.
pub(super) fn stranger(node: &Node, address: &str, reason: &dyn std::fmt::Display) {
    node.loss_counts().count_refused_connection();
    log::debug!(target: "greenroom", node = %node.name(), address, reason = %log::Escaped(reason), "connection closed before its handshake");
    node.report(ReportKind::Stranger, || {});
}

/// Returns `true` if a listener closed a connection whose peer did not prove that it is a node of any cluster.
fn is_stranger(reason: &Closed) -> bool {
    match reason {
        #[cfg(feature = "tls")]
        Closed::Session(SessionError::HungUpInTls | SessionError::Tls(_)) => true,
        Closed::Session(error) => matches!(
            error,
            SessionError::Magic | SessionError::HungUp | SessionError::Slow | SessionError::Handshake(_)
        ),
        Closed::Lost | Closed::Io(_) => true,
        Closed::ByThisNode | Closed::ByPeer | Closed::Aborted => false,
    }
}
