//! A message to all members of a group.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::service::Service;
use crate::base::{CastError, EncodeError, NodeName, Protocol};
use crate::call::{Cast, EncodedOnce};
use crate::node::{LocalMembers, Node};
use crate::process::fan_out;
use crate::wire::{Epoch, GroupName};

/// The future of a broadcast: its message has been sent, and `.await` waits for room in the queues of the connections.
///
/// Drop it to go on at once; errors are then lost. As with a [`Cast`], the message has its place when
/// [`Group::broadcast`](super::Group::broadcast) returns, behind all that the sender has sent before.
///
/// Cancel-safe. For a node whose connection is full, the message waits in a queue until there is room. It is withdrawn there
/// when the future is dropped, and counts as lost. On all other nodes it is delivered.
///
/// # Errors
/// Resolves to a [`BroadcastError`]. If the connection to a node is lost meanwhile, its members have left the group, and that counts
/// as success.
pub struct Broadcast {
    waiting: Vec<(NodeName, Cast)>,
    error: Option<BroadcastError>,
}

/// The reason why a broadcast did not reach all nodes that have members.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BroadcastError {
    /// Messages of this variant carry a `Reply`, and a call has one answer. Nothing was sent.
    Call(&'static str),
    /// The message cannot be encoded. Nothing was sent.
    Encode(EncodeError),
    /// The connection to this node did not take the message. It was sent to all others.
    Node(NodeName, CastError),
}

/// The members of a group at one moment, as a broadcast needs them.
struct Receivers {
    local: Arc<LocalMembers>,
    /// The nodes that have members, and their connections.
    nodes: Vec<(NodeName, Epoch)>,
}

impl Broadcast {
    pub(super) fn send<M: Protocol>(node: &Node, service: &Service, name: &Arc<GroupName>, message: &M) -> Broadcast {
        let mut broadcast = Broadcast { waiting: Vec::new(), error: None };
        if let Some(variant) = M::VARIANTS.get(message.variant()).filter(|variant| variant.call) {
            broadcast.error = Some(BroadcastError::Call(variant.name));
            return broadcast;
        }
        let Some(receivers) = receivers(service, name) else { return broadcast };
        let encoded = match EncodedOnce::new(node, message) {
            Ok(encoded) => encoded,
            Err(error) => {
                broadcast.error = Some(BroadcastError::Encode(error));
                return broadcast;
            }
        };
        // Other nodes first: their members receive it while this node delivers it to its own.
        for (to, epoch) in receivers.nodes {
            match encoded.send(node, &name.name, &to, epoch) {
                Ok(None) | Err(CastError::NoConnection) => {}
                Ok(Some(cast)) => broadcast.waiting.push((to, cast)),
                Err(error) => {
                    node.report_lost_message(&to, &error);
                    broadcast.error.get_or_insert(BroadcastError::Node(to, error));
                }
            }
        }
        if let Err(unread) = fan_out(node, &receivers.local, encoded.message()) {
            let error = EncodeError::Field(unread.error.to_string().into());
            broadcast.error.get_or_insert(BroadcastError::Encode(error));
        }
        broadcast
    }
}

/// Returns the receivers of a broadcast; `None` for a group without members.
fn receivers(service: &Service, name: &Arc<GroupName>) -> Option<Receivers> {
    let table = service.table();
    let group = table.group(name)?;
    let nodes = group.remote.iter().map(|(epoch, members)| (members.node.name.clone(), *epoch)).collect();
    Some(Receivers { local: Arc::clone(&group.local), nodes })
}

impl Future for Broadcast {
    type Output = Result<(), BroadcastError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Broadcast { waiting, error } = &mut *self;
        waiting.retain_mut(|(node, cast)| match Pin::new(cast).poll(cx) {
            Poll::Pending => true,
            Poll::Ready(Ok(()) | Err(CastError::NoConnection)) => false,
            Poll::Ready(Err(lost)) => {
                error.get_or_insert(BroadcastError::Node(node.clone(), lost));
                false
            }
        });
        if waiting.is_empty() { Poll::Ready(error.take().map_or(Ok(()), Err)) } else { Poll::Pending }
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting: Vec<_> = self.waiting.iter().map(|(node, _)| node).collect();
        f.debug_struct("Broadcast").field("waiting", &waiting).field("error", &self.error).finish()
    }
}

impl fmt::Display for BroadcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BroadcastError::Call(variant) => {
                write!(f, "`{variant}` carries a `Reply`: pick one member of the group, and call that")
            }
            BroadcastError::Encode(_) => f.write_str("cannot encode the message to the group"),
            BroadcastError::Node(node, _) => write!(f, "the message to the group did not reach {node}"),
        }
    }
}

impl Error for BroadcastError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            BroadcastError::Call(_) => None,
            BroadcastError::Encode(error) => Some(error),
            BroadcastError::Node(_, error) => Some(error),
        }
    }
}
