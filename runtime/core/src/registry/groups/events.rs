//! The stream of a group's changes.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_core::Stream;

use super::event::{GroupEvent, Subscriber};
use super::service::Service;
use crate::base::Pid;
use crate::node::Node;
use crate::observe::{EventReceiver, Received, event_channel};
use crate::wire::GroupName;

/// A stream of a group's changes; from [`Group::events`](super::Group::events).
#[must_use = "events are read by awaiting `next`"]
pub struct GroupEvents {
    /// The members at the time of the subscription.
    first: VecDeque<GroupEvent>,
    receiver: EventReceiver<GroupEvent>,
    service: Weak<Service>,
    name: Arc<GroupName>,
    id: u64,
}

/// The capacity of a subscriber's channel.
const CAPACITY: usize = 1_024;

impl GroupEvents {
    pub(super) fn subscribe(node: &Node, service: &Arc<Service>, name: &Arc<GroupName>) -> GroupEvents {
        let (sender, receiver) = event_channel(CAPACITY);
        let id = node.next_number();
        let mut table = service.table();
        let mut members = Vec::new();
        if let Some(group) = table.group(name) {
            members.extend(group.local.keys().map(|number| node.pid(*number)));
            for remote in group.remote.values() {
                members.extend(remote.numbers.keys().map(|number| Pid::new(Arc::clone(&remote.node), *number)));
            }
        }
        // In one step with the list, so that each change is either in the list or an event.
        table.subscribe(name, Subscriber { id, sender });
        drop(table);
        let first = (!members.is_empty()).then_some(GroupEvent::Joined(members)).into_iter().collect();
        GroupEvents { first, receiver, service: Arc::downgrade(service), name: Arc::clone(name), id }
    }

    /// Returns the next event, or `None` when the node has been dropped. Cancel-safe.
    pub async fn next(&mut self) -> Option<GroupEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<GroupEvent>> {
        if let Some(event) = self.first.pop_front() {
            return Poll::Ready(Some(event));
        }
        self.receiver.poll_next(cx).map(|received| {
            received.map(|received| match received {
                Received::Event(event) => event,
                Received::Missed(count) => GroupEvent::Missed(count),
            })
        })
    }
}

impl Drop for GroupEvents {
    fn drop(&mut self) {
        if let Some(service) = self.service.upgrade() {
            service.table().retain_subscribers(&self.name, |subscriber| subscriber.id != self.id);
        }
    }
}

impl Stream for GroupEvents {
    type Item = GroupEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<GroupEvent>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for GroupEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GroupEvents").field(&self.name.name).finish()
    }
}
