//! The effects of the frames that a peer sends.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::membership::Peer;
use super::waiting::count_waiting;
use crate::base::{
    CallErrorKind, Causes, DecodeError, Encoder, Exit, NodeEvent, NodeId, Payload, Pid, Right, UnreadMessage,
};
use crate::log;
#[cfg(feature = "registry")]
use crate::node::{ActorKey, KeyPlace};
use crate::node::{
    AnswerOutcome, CallNote, Current, EncodedAnswer, EncodedMessage, LocalProcess, Node, ReceivedAnswer,
    ReceivedReplies, SignalTarget, WaitingMessage,
};
use crate::observe::ReportKind;
use crate::process::{catch, fail_callers, fan_out, report_message_panic};
use crate::wire::{Epoch, Frame, FrameTarget, GroupUpdate, Signal};

/// Acts on one frame of `peer`. Nothing here waits. A panic in the code of a message, which decodes and drops its fields,
/// fails that message only.
pub(super) fn handle_frame(node: &Node, peer: &Arc<Peer>, frame: Frame) {
    match frame {
        Frame::Message { from, to, protocol, variant, replies, context, payload } => {
            if !peer.may_call(replies.len()) {
                node.loss_counts().count_lost_messages(1);
                node.report(ReportKind::PeerLimit, || {
                    log::warn!(
                        target: "greenroom", peer = %peer.id.name, from, ?to, calls = peer.calls.count(),
                        "a message with calls is refused: too many calls of this peer are not answered yet"
                    );
                });
                return fail_calls(node, peer, replies, &CallErrorKind::Full);
            }
            let definition = |fingerprint| peer.definition(fingerprint);
            let sender = Some((&peer.id, from));
            let context = &node.received_context(context.as_deref(), &peer.id.name);
            let message =
                EncodedMessage { protocol, variant, context, payload: &payload, from: sender, definition: &definition };
            if let Err(UnreadMessage { error, is_permanent }) = deliver(node, peer, &to, &replies, message) {
                node.loss_counts().count_lost_messages(1);
                let peer_name = &peer.id.name;
                if let CallErrorKind::NotAllowed(right) = &error {
                    report_not_allowed(node, peer, *right);
                    return fail_calls(node, peer, replies, &error);
                }
                // A message to a process that has exited is normal, and silent in Erlang. Other errors are mistakes.
                if error == CallErrorKind::NoProc {
                    #[cfg(feature = "test")]
                    if let (FrameTarget::Process(number), false) = (&to, replies.is_empty()) {
                        // The caller finds that the process is gone.
                        node.mark_crash_seen(&node.pid(*number));
                    }
                    node.report(ReportKind::NoReceiver, || {
                        log::debug!(target: "greenroom", peer = %peer_name, from, ?to, "a message for a process that does not exist");
                    });
                } else if !matches!(error, CallErrorKind::Incompatible(_)) || peer.note_unread(protocol, variant, None)
                {
                    node.report(ReportKind::Undelivered, || {
                        let definition = peer.definition(protocol);
                        let protocol = definition.as_ref().map(|definition| &definition.get().name);
                        log::warn!(
                            target: "greenroom", peer = %peer_name, from, ?to, ?protocol, error = %log::Escaped(Causes(&error)),
                            "a message cannot be delivered"
                        );
                    });
                }
                if let (CallErrorKind::Incompatible(reason), true) = (&error, is_permanent)
                    && peer.note_unread(protocol, variant, Some(&to))
                {
                    refuse(peer, to, (protocol, variant), reason);
                }
                fail_calls(node, peer, replies, &error);
            }
        }
        Frame::Answer { id, replies, definition, result, .. } => {
            // A reply in an answer that cannot be read, or that has no caller, is dropped.
            let received = definition.map(|fingerprint| peer.definition(fingerprint));
            let result = match (&result, &received) {
                (Err(error), _) => Err(error.clone()),
                (Ok(_), Some(None)) => Err(CallErrorKind::Incompatible("the answer's type has no definition".into())),
                (Ok(payload), Some(Some(definition))) => Ok(ReceivedAnswer { payload, definition: Some(definition) }),
                (Ok(payload), None) => Ok(ReceivedAnswer { payload, definition: None }),
            };
            let answer = || node.pending_calls().answer(id, Some(peer.epoch), result);
            let received = ReceivedReplies::new(peer.caller_node(), &replies);
            let read = || Current::with_received(received, answer);
            let ((outcome, unread), dropped) = Current::collect_dropped(node, Node::SYSTEM, read);
            fail_callers(dropped, &CallErrorKind::Dropped);
            fail_calls(node, peer, unread, &CallErrorKind::Dropped);
            if outcome == AnswerOutcome::Stray {
                node.loss_counts().count_lost_messages(1);
                node.report(ReportKind::StrayAnswer, || {
                    log::debug!(
                        target: "greenroom", peer = %peer.id.name, "an answer to a call that was sent on another connection"
                    );
                });
            }
        }
        Frame::PassedOn { id, .. } => {
            if !node.pending_calls().note_passed_on(peer.call_id(id)) {
                send_note(node, peer, CallNote::GivenUp(id));
            }
        }
        Frame::Refused { to, protocol, variant, reason } => {
            node.report(ReportKind::Undelivered, || {
                log::warn!(
                    target: "greenroom", peer = %peer.id.name, ?to, reason = %log::Escaped(&reason),
                    "the target cannot read messages of this variant: they fail from now on"
                );
            });
            peer.outbox.refuse(to, protocol, variant, reason);
        }
        Frame::Hold { to } => peer.outbox.hold(&to),
        Frame::Resume { to } => peer.outbox.resume(&to),
        Frame::GivenUp { id, .. } => {
            node.cancel_running_call(peer.call_id(id));
            node.give_up_passed_on(peer.call_id(id));
        }
        Frame::Claims(part) => {
            if let Some(exchange) = node.claim_exchange() {
                exchange.receive(peer.epoch, &part, peer.may(Right::Claim));
            }
        }
        Frame::Waiting { ids, is_last } => {
            fail_calls(node, peer, peer.pause.lost_calls(ids, is_last), &CallErrorKind::Exit(Exit::shutdown()));
        }
        // The connection's task handles it.
        Frame::Membership(_) => {}
        Frame::Groups(update) => handle_group_update(node, peer, update),
        Frame::Signal { from, to, signal } => handle_signal(node, peer, from, &to, signal),
    }
}

/// Notifies the peer that the target can read none of its messages of this variant.
fn refuse(peer: &Peer, to: FrameTarget, (protocol, variant): (u64, u32), reason: &str) {
    let reason = reason[..reason.floor_char_boundary(Frame::MAX_REASON)].into();
    // Fails if the connection is over, or if the peer takes nothing: then its messages are refused one by one.
    let _ = peer.outbox.push(0, &Frame::Refused { to, protocol, variant, reason });
}

/// Fails the calls with these ids, which wait on the peer.
fn fail_calls(node: &Node, peer: &Peer, ids: Vec<u64>, error: &CallErrorKind) {
    for id in ids {
        if let Some(router) = node.router() {
            // Fails if the connection is lost, which ends the calls.
            let _ = router.send_answer(None, &peer.caller_node(), id, Err(error.clone()));
        }
    }
}

fn send_note(node: &Node, peer: &Peer, note: CallNote) {
    if let Some(router) = node.router() {
        router.send_call_note(peer.epoch, note);
    }
}

/// Returns the process or the supervised child, if other nodes may reach it.
fn find(node: &Node, to: &FrameTarget) -> Option<LocalProcess> {
    match to {
        #[cfg(feature = "registry")]
        FrameTarget::Name(name) => node.find_name(name),
        #[cfg(not(feature = "registry"))]
        FrameTarget::Name(name) => node.names().find(name),
        FrameTarget::Process(number) => node.exported(*number),
        FrameTarget::Group(_) => None,
    }
}

fn deliver(
    node: &Node,
    peer: &Arc<Peer>,
    to: &FrameTarget,
    replies: &[u64],
    message: EncodedMessage<'_>,
) -> Result<(), UnreadMessage> {
    let right = match (to, message.variant) {
        (_, EncodedMessage::CALL_CHAIN) => Some(Right::Inspect),
        (FrameTarget::Name(_), _) => Some(Right::Names),
        (FrameTarget::Group(_), _) => Some(Right::Groups),
        (FrameTarget::Process(_), _) => None,
    };
    if let Some(right) = right.filter(|right| !peer.may(*right)) {
        return Err(CallErrorKind::NotAllowed(right).into());
    }
    if message.variant == EncodedMessage::REQUEST {
        return serve(node, peer, replies, message).map_err(UnreadMessage::from);
    }
    if let FrameTarget::Group(name) = to {
        return deliver_to_group(node, peer, name, replies, message);
    }
    if message.variant == EncodedMessage::CALL_CHAIN {
        let LocalProcess { number, cell } = find(node, to).ok_or(CallErrorKind::NoProc)?;
        answer_call_chain(node, peer, replies, if number == 0 { cell.mailbox_owner() } else { Some(number) });
        return Ok(());
    }
    let may_wait = peer.may_wait();
    #[cfg(feature = "registry")]
    if let FrameTarget::Name(name) = to
        && name.starts_with('/')
    {
        let key = ActorKey::new(Arc::clone(name));
        let KeyPlace { actors, .. } = key.place(node).ok_or(CallErrorKind::NoProc)?;
        let deliver = || actors.deliver(node, &key, message, may_wait, &peer.id.name);
        return deliver_by(node, peer, (to, replies, message.payload.len()), (Node::SYSTEM, "a key"), deliver);
    }
    let LocalProcess { number, cell } = find(node, to).ok_or(CallErrorKind::NoProc)?;
    let deliver = || {
        let waiting = cell.deliver(number, message, may_wait)?;
        Ok(waiting.map(|id| (Arc::clone(&cell).into_admission_queue(), id)))
    };
    // Outside of a process, dropped replies would not be collected.
    let process = if number == 0 { Node::SYSTEM } else { number };
    deliver_by(node, peer, (to, replies, message.payload.len()), (process, cell.protocol()), deliver)
}

/// Calls `deliver`, and takes care of the calls in the message. `deliver` returns the place of a message that waits.
/// `process` is the number of the receiver, with a text for reports.
fn deliver_by(
    node: &Node,
    peer: &Arc<Peer>,
    (to, replies, bytes): (&FrameTarget, &[u64], usize),
    process: (u64, &'static str),
    deliver: impl FnOnce() -> Result<Option<WaitingMessage>, UnreadMessage>,
) -> Result<(), UnreadMessage> {
    // A reply in a message that is refused is dropped with it. Its caller gets the reason, not `Dropped`.
    let received = ReceivedReplies::new(peer.caller_node(), replies);
    let deliver = || Current::with_received(received, || catch(deliver));
    let ((result, unread), dropped) = Current::collect_dropped(node, process.0, deliver);
    let result = result.unwrap_or_else(|panic| {
        report_message_panic(node, process.1, "decoding a message", &panic);
        Err(CallErrorKind::Decode(DecodeError::Malformed(panic.to_string().into())).into())
    });
    if result.is_ok() {
        fail_callers(dropped, &CallErrorKind::Dropped);
        fail_calls(node, peer, unread, &CallErrorKind::Dropped);
    }
    if let Some((queue, id)) = result? {
        count_waiting(peer, to, bytes, queue, id);
    }
    Ok(())
}

/// Delivers a broadcast to the members of the group that belong to this node. Without members it has no effect: the last
/// one has just left.
fn deliver_to_group(
    node: &Node,
    peer: &Peer,
    name: &str,
    replies: &[u64],
    message: EncodedMessage<'_>,
) -> Result<(), UnreadMessage> {
    // A call has one answer.
    let definition = peer.definition(message.protocol).filter(|_| replies.is_empty()).ok_or(CallErrorKind::NoProc)?;
    let members = node.group_service().and_then(|groups| groups.local_members(name, &definition.get().name));
    members.map_or(Ok(()), |members| fan_out(node, &members, message))
}

/// Acts on an update of the peer's groups.
fn handle_group_update(node: &Node, peer: &Peer, update: GroupUpdate) {
    if !peer.may(Right::Groups) {
        return report_not_allowed(node, peer, Right::Groups);
    }
    if let Some(groups) = node.group_service() {
        groups.handle_update(node, &peer.id, peer.epoch, update);
    }
}

/// Serves a request to this node itself.
fn serve(node: &Node, peer: &Peer, replies: &[u64], request: EncodedMessage<'_>) -> Result<(), CallErrorKind> {
    let received = ReceivedReplies::new(peer.caller_node(), replies);
    let serve_request = || {
        let _context = Current::enter_context(request.context.clone());
        node.serve_request(request.payload, |right| peer.may(right))
    };
    let serve = || Current::with_received(received, || catch(serve_request));
    let ((result, unread), dropped) = Current::collect_dropped(node, Node::SYSTEM, serve);
    let result = result.unwrap_or_else(|panic| {
        report_message_panic(node, "a request", "decoding a message", &panic);
        Err(CallErrorKind::Decode(DecodeError::Malformed(panic.to_string().into())))
    });
    if result.is_ok() {
        fail_callers(dropped, &CallErrorKind::Dropped);
        fail_calls(node, peer, unread, &CallErrorKind::Dropped);
    }
    result
}

/// Answers the question for the chain of calls of a process.
fn answer_call_chain(node: &Node, peer: &Peer, replies: &[u64], process: Option<u64>) {
    let Some(router) = node.router() else { return };
    let chain = process.map(|number| node.call_chain(number)).unwrap_or_default();
    for id in replies {
        let mut payload = Payload::default();
        let encoded = Encoder::new(&mut payload, router.max_message_size()).field(&chain);
        let answer = encoded
            .map(|()| EncodedAnswer { replies: Vec::new(), payload, definition: None })
            .map_err(CallErrorKind::Encode);
        // Fails if the connection is lost, which ends the question.
        let _ = router.send_answer(None, &peer.caller_node(), *id, answer);
    }
}

/// Counts and logs something that the policy does not allow.
fn report_not_allowed(node: &Node, peer: &Peer, right: Right) {
    node.loss_counts().count_refused_by_policy();
    node.report(ReportKind::NotAllowed, || {
        log::warn!(target: "greenroom", peer = %peer.id.name, right = right.name(), "the policy does not give the peer this right");
    });
}

/// Returns the right that a signal needs.
fn right_for(to: &FrameTarget, signal: &Signal) -> Option<Right> {
    match (to, signal) {
        (_, Signal::Link | Signal::Exit { linked: false, .. } | Signal::Stop { .. }) => Some(Right::Exit),
        (FrameTarget::Name(_), Signal::Monitor { .. }) => Some(Right::Names),
        _ => None,
    }
}

fn handle_signal(node: &Node, peer: &Peer, from: u64, to: &FrameTarget, signal: Signal) {
    let from = Pid::new(Arc::clone(&peer.id), from);
    if let Some(right) = right_for(to, &signal).filter(|right| !peer.may(*right)) {
        report_not_allowed(node, peer, right);
        let number = if let FrameTarget::Process(number) = to { *number } else { 0 };
        let reason = Exit::Other(format!("the node does not give this one the right `{right}`").into());
        return node.refuse_signal(&from, &node.pid(number), peer.epoch, signal, reason);
    }
    // A signal that answers a step of a local process needs no export: the process's own relations check it.
    let open = matches!(
        signal,
        Signal::Down { .. }
            | Signal::UnlinkAck { .. }
            | Signal::Unlink { .. }
            | Signal::Demonitor { .. }
            | Signal::Exit { linked: true, .. }
    );
    let open_target = match to {
        FrameTarget::Process(number) if open => node.signal_target(*number),
        _ => None,
    };
    // A monitor on a name is removed from the process that it was attached to. The note ends with the monitor in any case.
    let noted = match &signal {
        Signal::Demonitor { reference } => peer.tracked.take_resolved(from.number(), *reference),
        _ => None,
    };
    let resolved = || node.signal_target(noted?);
    let found = || {
        let LocalProcess { number, cell } = find(node, to)?;
        Some((number, cell as Arc<dyn SignalTarget>))
    };
    let begins_relation = matches!(signal, Signal::Link | Signal::Monitor { .. });
    match open_target.or_else(resolved).or_else(found) {
        Some((number, _)) if begins_relation && !peer.tracked.admit(node, peer.epoch) => {
            refuse_relation(node, peer, &from, to, number, signal);
        }
        Some((number, target)) => {
            if let (Signal::Monitor { reference, .. }, FrameTarget::Name(_)) = (&signal, to) {
                peer.tracked.note_resolved(from.number(), *reference, number);
            }
            let tracked = match to {
                // Also of a supervised child, whose number is zero otherwise.
                FrameTarget::Process(number) => *number,
                FrameTarget::Name(_) | FrameTarget::Group(_) => number,
            };
            target.signal(number, &from, peer.epoch, signal);
            // On the task that also applies the loss of the connection, so there is no gap.
            if begins_relation {
                peer.tracked.add(node, peer.epoch, tracked);
            }
        }
        None => {
            let number = match to {
                FrameTarget::Process(number) => *number,
                FrameTarget::Name(_) | FrameTarget::Group(_) => 0,
            };
            node.refuse_signal(&from, &node.pid(number), peer.epoch, signal, Exit::NoProc);
        }
    }
}

/// Ends a relation of a peer that has too many.
fn refuse_relation(node: &Node, peer: &Peer, from: &Pid, to: &FrameTarget, number: u64, signal: Signal) {
    node.loss_counts().count_refused_relation();
    node.report(ReportKind::PeerLimit, || {
        log::warn!(
            target: "greenroom", peer = %peer.id.name, from = from.number(), ?to,
            "a link or monitor is ended: this peer has too many of them"
        );
    });
    let number = match to {
        FrameTarget::Process(number) => *number,
        FrameTarget::Name(_) | FrameTarget::Group(_) => number,
    };
    let reason = Exit::Other("its node has too many links and monitors with this one".into());
    node.refuse_signal(from, &node.pid(number), peer.epoch, signal, reason);
}

/// Notifies all affected processes and calls of a lost connection. Its frames have no effect afterwards. Each notice is
/// passed to `step`, which runs it.
pub(super) fn disconnect(node: &Node, peer: &Peer, step: impl Fn(&dyn Fn())) {
    // First, so that a process that receives the loss does not find the peer's members any more.
    step(&|| services_down(node, peer.epoch));
    step(&|| node.disconnect_calls(peer.epoch));
    step(&|| node.cancel_running_calls(peer.epoch));
    for (number, ()) in peer.tracked.take() {
        step(&|| {
            if let Some((number, target)) = node.signal_target(number) {
                target.disconnect(number, &peer.id, peer.epoch);
            }
        });
    }
    if peer.is_up() {
        step(&|| node.publish_node_event(&NodeEvent::Down(NodeId::clone(&peer.id))));
    }
}

/// Brings a peer up to date whose connection is continued, in front of all frames that wait. `calls` are those that were sent
/// before, and those that wait.
pub(super) fn reconnect(node: &Node, peer: &Peer, mut calls: Vec<u64>) {
    let waiting: BTreeSet<u64> = peer.outbox.waiting_calls().into_iter().collect();
    let is_pending: BTreeSet<u64> = node.pending_calls().sent_on(peer.epoch).into_iter().collect();
    calls.retain(|id| !waiting.contains(id) && is_pending.contains(id));
    // The last one may have no ids.
    let mut parts: Vec<Vec<u64>> = calls.chunks(Frame::MAX_WAITING).map(<[u64]>::to_vec).collect();
    if parts.is_empty() {
        parts.push(Vec::new());
    }
    let last = parts.len() - 1;
    for (index, ids) in parts.into_iter().enumerate() {
        // Fails if the peer takes nothing.
        if peer.outbox.push(0, &Frame::Waiting { ids, is_last: index == last }).is_err() {
            return peer.outbox.close();
        }
    }
    peer.repeat_holds();
    #[cfg(all(feature = "upgrade", unix))]
    super::pause::end_lost_relations(node, peer);
}

/// Announces that this node has no members of groups, in which it does not take part. Its predecessor may have had some.
pub(super) fn clear_groups(node: &Node, peer: &Peer) {
    if let Some(router) = node.router() {
        let nothing = GroupUpdate::Range { after: None, is_last: true, members: Vec::new() };
        // Fails if the connection is over.
        let _ = router.send_group_update(peer.epoch, nothing);
    }
}

/// Notifies the services of this node that exchange something with each peer: the connection is over.
pub(super) fn services_down(node: &Node, epoch: Epoch) {
    if let Some(groups) = node.group_service() {
        groups.peer_down(epoch);
    }
    if let Some(exchange) = node.claim_exchange() {
        exchange.peer_down(epoch);
    }
}
