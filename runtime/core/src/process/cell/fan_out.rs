//! One encoded message for many processes of this node.

use crate::base::{CallErrorKind, DecodeError, UnreadMessage};
use crate::log;
use crate::node::{Current, EncodedMessage, LocalMembers, Node};
use crate::observe::ReportKind;
use crate::process::{catch, fail_callers, report_message_panic};

/// Decodes a message once for each of these processes, which have one protocol, and puts it into their mailboxes.
///
/// It does not wait for a full mailbox, whose overflow policy treats the message as one that nothing awaits. If one process
/// cannot read the message, it is lost for the rest of them too: they would fail in the same way.
///
/// # Errors
/// The message cannot be read.
pub(crate) fn fan_out(node: &Node, members: &LocalMembers, message: EncodedMessage<'_>) -> Result<(), UnreadMessage> {
    let mut full = 0;
    let deliver_all = || {
        for (number, cell) in members.iter() {
            let delivered = catch(|| cell.deliver(*number, message, false)).unwrap_or_else(|panic| {
                report_message_panic(node, cell.protocol(), "decoding a message", &panic);
                Err(CallErrorKind::Decode(DecodeError::Malformed(panic.to_string().into())).into())
            });
            match delivered {
                Ok(_) => {}
                Err(UnreadMessage { error: CallErrorKind::Full, .. }) => full += 1,
                // It exits, and leaves the group.
                Err(UnreadMessage { error: CallErrorKind::NoProc, .. }) => {}
                Err(unread) => return Err(unread),
            }
        }
        Ok(())
    };
    let (result, dropped) = Current::collect_dropped(node, Node::SYSTEM, deliver_all);
    fail_callers(dropped, &CallErrorKind::Dropped);
    if full > 0 {
        // The mailboxes have counted it.
        node.report(ReportKind::Undelivered, || {
            log::warn!(
                target: "greenroom", node = %node.name(), members = full,
                "a broadcast is lost for members of a group whose mailboxes are full"
            );
        });
    }
    result
}
