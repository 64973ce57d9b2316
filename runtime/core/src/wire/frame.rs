//! One frame and its bytes.
//!
//! | part | bytes |
//! |---|---|
//! | *n* | a number: seven bits a byte, least first, the high bit while more follow, no zero byte at the end |
//! | *id* | of a call: 8 bytes, least first |
//! | *target* | `0` process number *n*, zero for the node itself · `1` length *n* (1..=255), so many bytes of UTF-8: a process name · `2` number *n* of a defined process name · `3` length *n* (0..=255), so many bytes of UTF-8: a group's name · `4` number *n* of a defined name: a group's |
//! | *protocol* | `0` fingerprint (8 bytes, least first) · otherwise *n*: one more than the number of a defined protocol |
//! | *reason* | an exit reason, to the end of the frame: see [`reason`](super::reason) |
//!
//! [`names`](super::names) has the definitions.
//!
//! | frame | bytes |
//! |---|---|
//! | message | `0` from *n*, *target*, *protocol*, variant *n* (32 bits), count *n* (0..=64), so many reply *ids*, payload to the end |
//! | answer | `1` from *n*, *id*, count *n* (0..=64), so many reply *ids*, payload to the end |
//! | answer of a type that the caller's node may have in another version | `15` from *n*, *id*, *protocol*: the type's definition, count *n* (0..=64), so many reply *ids*, payload to the end |
//! | message with a trace context | `17` as `0`, and before the payload: length *n* (0..=1024), so many bytes |
//! | messages refused | `16` from *n* (zero), *target*, *protocol*, variant *n* (32 bits), length *n* (0..=1024), so many bytes of UTF-8: the reason why the target can read no such message |
//! | failed answer | `2` from *n*, *id*, a call error to the end: see [`reason`](super::reason) |
//! | link | `3` from *n*, *target* |
//! | unlink | `4` from *n*, *target*, id *n* |
//! | unlink, acknowledged | `5` from *n*, *target*, id *n* |
//! | exit | `6` from *n*, *target*, what (`0` exit, `1` link, `2` stop), *reason* |
//! | monitor | `7` from *n*, *target*, reference *n* |
//! | demonitor | `8` from *n*, *target*, reference *n* |
//! | down | `9` from *n*, *target*, reference *n*, *reason* |
//! | call passed on | `10` from *n*, *id* |
//! | call given up | `11` from *n*, *id* |
//! | monitor without waiting for a restart | `12` from *n*, *target*, reference *n* |
//! | hold | `13` from *n*, *target* |
//! | resume | `14` from *n*, *target* |
//! | membership | `128`, an [announcement](super::membership) |
//! | groups | `129`, an [update](super::groups) |
//! | claims | `130`, parts of an exchange between the registries of two nodes, to the end |
//! | calls that wait | `131` `0`, or `1` in the last of these frames, so many *ids* to the end: the sender has sent these calls before the connection was continued |
//! | of a later version | `132`..=`255`, skipped |
//!
//! A later version that must know whether a frame is understood agrees on a feature in the hello, and uses another kind.
//!
//! Invariants:
//! - `decode` returns the frame that `encode` got.
//! - `decode` reads no byte beyond the frame, allocates nothing before it has the bytes, and refuses trailing bytes.
//! - A payload is a slice of the received frame and not a copy. It keeps that record alive: at most 64 KiB, or the
//!   message's own buffer.

mod parts;

use std::sync::Arc;

use bytes::Bytes;

use parts::{
    put_call, put_context, put_head, put_protocol, put_replies, take_context, take_protocol, take_replies, take_target,
};

use super::names::{Numbers, ReceivedNames, SentNames};
use super::reason::{put_call_error, put_exit, take_call_error, take_exit};
use super::varint::{self, Reader};
use super::{Announcement, FrameTarget, GroupUpdate, Signal, WireError};
use crate::base::{CallErrorKind, Definition, MonitorRef};

/// A message, an answer or a signal from one process to another, on its way between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A message of a protocol.
    Message {
        /// The sending process's number on its node, 0 from outside of any.
        from: u64,
        to: FrameTarget,
        /// The protocol's fingerprint.
        protocol: u64,
        variant: u32,
        /// The ids under which the sender's node awaits the answers to the `Reply`s inside.
        replies: Vec<u64>,
        /// The bytes of the trace context, of at most [`MAX_CONTEXT`](Frame::MAX_CONTEXT), for a peer that reads them.
        context: Option<Box<[u8]>>,
        /// The variant's fields.
        payload: Bytes,
    },
    /// The answer to a call, or the error instead of it.
    Answer {
        from: u64,
        /// Which of the [`Message`](Frame::Message)'s replies this answers.
        id: u64,
        /// The ids under which the sender's node awaits the answers to the `Reply`s inside; empty with an error.
        replies: Vec<u64>,
        /// The fingerprint of the definition of the answer's type, if the caller's node may have another one.
        definition: Option<u64>,
        result: Result<Bytes, CallErrorKind>,
    },
    /// The reply to this call of the receiver was passed on to another node.
    PassedOn { from: u64, id: u64 },
    /// The caller of this call, which was passed on, does not wait any more.
    GivenUp { from: u64, id: u64 },
    /// Messages to this target are to wait on the receiver's side, since many of its messages wait here already.
    Hold { to: FrameTarget },
    /// Messages to this target may be sent again.
    Resume { to: FrameTarget },
    /// No message of this variant of a protocol can be read by this target.
    Refused {
        to: FrameTarget,
        /// The fingerprint of the sender's definition.
        protocol: u64,
        variant: u32,
        /// Of at most [`MAX_REASON`](Frame::MAX_REASON) bytes.
        reason: Arc<str>,
    },
    /// An announcement about the members of the cluster, from the node itself.
    Membership(Announcement),
    /// An update of the sender's groups, from the node itself.
    Groups(GroupUpdate),
    /// Parts of the exchange of claims, from the node itself. The registry reads them.
    Claims(Bytes),
    /// The sender waits for the answers to these calls, which it has sent before the connection was continued.
    Waiting {
        /// At most [`MAX_WAITING`](Frame::MAX_WAITING).
        ids: Vec<u64>,
        is_last: bool,
    },
    /// A step of a link, a monitor or an exit.
    Signal { from: u64, to: FrameTarget, signal: Signal },
}

const MESSAGE: u8 = 0;
const ANSWER: u8 = 1;
const FAILED: u8 = 2;
const LINK: u8 = 3;
const UNLINK: u8 = 4;
const UNLINK_ACK: u8 = 5;
const EXIT: u8 = 6;
const MONITOR: u8 = 7;
const DEMONITOR: u8 = 8;
const DOWN: u8 = 9;
const PASSED_ON: u8 = 10;
const GIVEN_UP: u8 = 11;
const MONITOR_NOW: u8 = 12;
const HOLD: u8 = 13;
const RESUME: u8 = 14;
const TYPED_ANSWER: u8 = 15;
const REFUSED: u8 = 16;
const TRACED_MESSAGE: u8 = 17;

/// The kind of an `EXIT` that requests a stop. 0 and 1 are exit signals without and with a link.
const STOP: u8 = 2;

const MEMBERSHIP: u8 = 128;
const GROUPS: u8 = 129;
const CLAIMS: u8 = 130;
const WAITING: u8 = 131;

/// The first kind of the frames that a node skips if it does not know them.
const SKIPPED: u8 = 132;

impl Frame {
    /// The most replies that one message may carry.
    pub(crate) const MAX_REPLIES: usize = 64;
    /// The most ids in one [`Waiting`](Frame::Waiting).
    pub(crate) const MAX_WAITING: usize = 1024;
    /// The most bytes of a trace context. Those of this version are fewer.
    pub(crate) const MAX_CONTEXT: usize = 1024;
    /// The most bytes of the reason in a [`Refused`](Frame::Refused).
    pub(crate) const MAX_REASON: usize = 1024;

    /// Returns the numbers of the names in the frame, which are defined if they are new. `definition` is that of a message
    /// or of an answer that has one.
    pub(crate) fn numbers(&self, names: &mut SentNames, definition: Option<&Arc<Definition>>) -> Numbers {
        let protocol = definition.and_then(|definition| names.protocol(definition));
        let to = match self {
            Frame::Message { to, .. }
            | Frame::Signal { to, .. }
            | Frame::Hold { to }
            | Frame::Resume { to }
            | Frame::Refused { to, .. } => to,
            Frame::Answer { .. }
            | Frame::PassedOn { .. }
            | Frame::GivenUp { .. }
            | Frame::Membership(_)
            | Frame::Groups(_)
            | Frame::Claims(_)
            | Frame::Waiting { .. } => return Numbers { protocol, process: None },
        };
        let process = match to {
            FrameTarget::Name(name) | FrameTarget::Group(name) => names.process(name),
            FrameTarget::Process(_) => None,
        };
        Numbers { protocol, process }
    }

    /// Bytes that `encode` will write, or a few more; what back-pressure counts before there are any.
    pub(crate) fn size_hint(&self) -> usize {
        let head = match self {
            Frame::Message { replies, context, .. } => {
                64 + replies.len() * 8 + context.as_ref().map_or(0, |context| context.len())
            }
            Frame::Answer { replies, .. } => 64 + replies.len() * 8,
            Frame::Waiting { ids, .. } => 64 + ids.len() * 8,
            _ => 64,
        };
        head + self.payload().map_or(0, Bytes::len)
    }

    /// The frame's bytes after its head: nothing for most, and never copied by [`encode_head`](Self::encode_head).
    pub(crate) fn payload(&self) -> Option<&Bytes> {
        match self {
            Frame::Message { payload, .. } | Frame::Answer { result: Ok(payload), .. } | Frame::Claims(payload) => {
                Some(payload)
            }
            _ => None,
        }
    }

    /// Appends the frame's bytes; upon an error `out` is as it was.
    #[cfg(test)]
    pub(crate) fn encode(&self, numbers: Numbers, out: &mut Vec<u8>) -> Result<(), WireError> {
        self.encode_head(numbers, out)?;
        out.extend_from_slice(self.payload().map_or(&[], |payload| payload));
        Ok(())
    }

    /// Appends the frame's bytes without its [`payload`](Self::payload); upon an error `out` is as it was.
    pub(crate) fn encode_head(&self, numbers: Numbers, out: &mut Vec<u8>) -> Result<(), WireError> {
        let start = out.len();
        let done = self.write(numbers, out);
        if done.is_err() {
            out.truncate(start);
        }
        done
    }

    fn write(&self, numbers: Numbers, out: &mut Vec<u8>) -> Result<(), WireError> {
        match self {
            Frame::Message { from, to, protocol, variant, replies, context, .. } => {
                let kind = if context.is_some() { TRACED_MESSAGE } else { MESSAGE };
                put_head(out, kind, *from, to, numbers.process)?;
                put_protocol(out, *protocol, numbers.protocol);
                varint::put(out, u64::from(*variant));
                put_replies(out, replies)?;
                if let Some(context) = context {
                    put_context(out, context)?;
                }
            }
            Frame::Answer { from, id, replies, definition, result } => match (result, definition) {
                (Ok(_), None) => {
                    put_call(out, ANSWER, *from, *id);
                    put_replies(out, replies)?;
                }
                (Ok(_), Some(definition)) => {
                    put_call(out, TYPED_ANSWER, *from, *id);
                    put_protocol(out, *definition, numbers.protocol);
                    put_replies(out, replies)?;
                }
                (Err(error), _) => {
                    put_call(out, FAILED, *from, *id);
                    put_call_error(out, error);
                }
            },
            Frame::Refused { to, protocol, variant, reason } => {
                put_head(out, REFUSED, 0, to, numbers.process)?;
                put_protocol(out, *protocol, None);
                varint::put(out, u64::from(*variant));
                varint::put(out, reason.len() as u64);
                out.extend_from_slice(reason.as_bytes());
            }
            Frame::Membership(announcement) => {
                out.push(MEMBERSHIP);
                announcement.write(out);
            }
            Frame::Groups(update) => {
                out.push(GROUPS);
                update.write(out)?;
            }
            Frame::Claims(_) => out.push(CLAIMS),
            Frame::Waiting { ids, is_last } => {
                out.extend([WAITING, u8::from(*is_last)]);
                ids.iter().for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
            }
            Frame::PassedOn { from, id } => put_call(out, PASSED_ON, *from, *id),
            Frame::GivenUp { from, id } => put_call(out, GIVEN_UP, *from, *id),
            Frame::Hold { to } => put_head(out, HOLD, 0, to, numbers.process)?,
            Frame::Resume { to } => put_head(out, RESUME, 0, to, numbers.process)?,
            Frame::Signal { from, to, signal } => match signal {
                Signal::Link => put_head(out, LINK, *from, to, numbers.process)?,
                Signal::Unlink { id } => {
                    put_head(out, UNLINK, *from, to, numbers.process)?;
                    varint::put(out, *id);
                }
                Signal::UnlinkAck { id } => {
                    put_head(out, UNLINK_ACK, *from, to, numbers.process)?;
                    varint::put(out, *id);
                }
                Signal::Exit { reason, linked } => {
                    put_head(out, EXIT, *from, to, numbers.process)?;
                    out.push(u8::from(*linked));
                    put_exit(out, reason);
                }
                Signal::Stop { reason } => {
                    put_head(out, EXIT, *from, to, numbers.process)?;
                    out.push(STOP);
                    put_exit(out, reason);
                }
                Signal::Monitor { reference, waits } => {
                    put_head(out, if *waits { MONITOR } else { MONITOR_NOW }, *from, to, numbers.process)?;
                    varint::put(out, reference.0);
                }
                Signal::Demonitor { reference } => {
                    put_head(out, DEMONITOR, *from, to, numbers.process)?;
                    varint::put(out, reference.0);
                }
                Signal::Down { reference, reason } => {
                    put_head(out, DOWN, *from, to, numbers.process)?;
                    varint::put(out, reference.0);
                    put_exit(out, reason);
                }
            },
        }
        Ok(())
    }

    /// Reads one frame, which `bytes` must be exactly. Returns `None` for a frame that is skipped.
    pub(crate) fn decode(bytes: &Bytes, names: &ReceivedNames) -> Result<Option<Frame>, WireError> {
        let mut reader = Reader::new(bytes);
        let kind = reader.byte()?;
        match kind {
            ..=TRACED_MESSAGE => Frame::decode_known(kind, reader, bytes, names).map(Some),
            MEMBERSHIP => Announcement::read(reader).map(|announcement| Some(Frame::Membership(announcement))),
            GROUPS => GroupUpdate::read(reader).map(|update| Some(Frame::Groups(update))),
            CLAIMS => Ok(Some(Frame::Claims(tail(bytes, &reader)))),
            WAITING => {
                let is_last = reader.byte()? != 0;
                let (ids, rest) = reader.rest().as_chunks();
                if !rest.is_empty() || ids.len() > Frame::MAX_WAITING {
                    return Err(WireError::Replies);
                }
                Ok(Some(Frame::Waiting { ids: ids.iter().map(|id| u64::from_le_bytes(*id)).collect(), is_last }))
            }
            SKIPPED.. => Ok(None),
            _ => Err(WireError::Kind(kind)),
        }
    }

    /// Reads a frame after its kind.
    fn decode_known(
        kind: u8,
        mut reader: Reader<'_>,
        bytes: &Bytes,
        names: &ReceivedNames,
    ) -> Result<Frame, WireError> {
        let from = reader.varint()?;
        match kind {
            ANSWER => {
                let (id, replies) = (reader.fixed()?, take_replies(&mut reader)?);
                return Ok(Frame::Answer { from, id, replies, definition: None, result: Ok(tail(bytes, &reader)) });
            }
            TYPED_ANSWER => {
                let (id, definition) = (reader.fixed()?, Some(take_protocol(&mut reader, names)?));
                let replies = take_replies(&mut reader)?;
                return Ok(Frame::Answer { from, id, replies, definition, result: Ok(tail(bytes, &reader)) });
            }
            FAILED => {
                let id = reader.fixed()?;
                let result = Err(take_call_error(reader)?);
                return Ok(Frame::Answer { from, id, replies: Vec::new(), definition: None, result });
            }
            PASSED_ON | GIVEN_UP => {
                let id = reader.fixed()?;
                reader.finish()?;
                return Ok(if kind == PASSED_ON { Frame::PassedOn { from, id } } else { Frame::GivenUp { from, id } });
            }
            _ => {}
        }
        let to = take_target(&mut reader, names)?;
        let signal = match kind {
            MESSAGE | TRACED_MESSAGE => {
                let protocol = take_protocol(&mut reader, names)?;
                let variant = u32::try_from(reader.varint()?).map_err(|_| WireError::Number)?;
                let replies = take_replies(&mut reader)?;
                let context = if kind == MESSAGE { None } else { Some(take_context(&mut reader)?) };
                let payload = tail(bytes, &reader);
                return Ok(Frame::Message { from, to, protocol, variant, replies, context, payload });
            }
            REFUSED => {
                let protocol = take_protocol(&mut reader, names)?;
                let variant = u32::try_from(reader.varint()?).map_err(|_| WireError::Number)?;
                let reason = reader.text_or_empty(Frame::MAX_REASON)?.into();
                reader.finish()?;
                return Ok(Frame::Refused { to, protocol, variant, reason });
            }
            HOLD | RESUME => {
                reader.finish()?;
                return Ok(if kind == HOLD { Frame::Hold { to } } else { Frame::Resume { to } });
            }
            LINK => Signal::Link,
            UNLINK => Signal::Unlink { id: reader.varint()? },
            UNLINK_ACK => Signal::UnlinkAck { id: reader.varint()? },
            EXIT => {
                let what = reader.byte()?;
                if what > STOP {
                    return Err(WireError::Kind(what));
                }
                let reason = take_exit(reader)?;
                let signal = match what {
                    STOP => Signal::Stop { reason },
                    linked => Signal::Exit { reason, linked: linked == 1 },
                };
                return Ok(Frame::Signal { from, to, signal });
            }
            MONITOR | MONITOR_NOW => {
                Signal::Monitor { reference: MonitorRef(reader.varint()?), waits: kind == MONITOR }
            }
            DEMONITOR => Signal::Demonitor { reference: MonitorRef(reader.varint()?) },
            _ => {
                let reference = MonitorRef(reader.varint()?);
                let reason = take_exit(reader)?;
                return Ok(Frame::Signal { from, to, signal: Signal::Down { reference, reason } });
            }
        };
        reader.finish()?;
        Ok(Frame::Signal { from, to, signal })
    }
}

/// All that the reader has left, as a slice of the same buffer.
fn tail(bytes: &Bytes, reader: &Reader<'_>) -> Bytes {
    bytes.slice(bytes.len() - reader.rest().len()..)
}

#[cfg(test)]
mod tests;
