//! One frame and its bytes.
//!
//! | part | bytes |
//! |---|---|
//! | *n* | a number: seven bits a byte, least first, the high bit while more follow, no zero byte at the end |
//! | *id* | of a call: 8 bytes, least first |
//! | *target* | `0` incarnation *n*, number *n* · `1` length *n* (1..=255), so many bytes of UTF-8 |
//! | *reason* | an [`Exit`] in postcard, to the end of the frame |
//!
//! | frame | bytes |
//! |---|---|
//! | message | `0` from *n*, *target*, protocol (8 bytes, least first), variant *n* (32 bits), count *n* (0..=64), so many reply *ids*, payload to the end |
//! | answer | `1` from *n*, *id*, count *n* (0..=64), so many reply *ids*, payload to the end |
//! | failed answer | `2` from *n*, *id*, a [`CallError`] in postcard to the end |
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
//!
//! Invariants:
//! - `decode` returns the frame that `encode` got.
//! - `decode` reads no byte beyond the frame, allocates nothing before it has the bytes, and refuses trailing bytes.
//! - A payload is a slice of the received frame and not a copy. It keeps that record alive: at most 64 KiB, or the
//!   message's own buffer.

use bytes::Bytes;

use super::varint::{self, Reader};
use super::{FrameTarget, Signal, WireError};
use crate::base::{CallError, Decoder, Encoder, Exit, MonitorRef};

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
        result: Result<Bytes, CallError>,
    },
    /// The reply to this call of the receiver was passed on to another node.
    PassedOn { from: u64, id: u64 },
    /// The caller of this call, which was passed on, does not wait any more.
    GivenUp { from: u64, id: u64 },
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

/// The kind of an `EXIT` that requests a stop. 0 and 1 are exit signals without and with a link.
const STOP: u8 = 2;

const PID: u8 = 0;
const NAME: u8 = 1;

impl Frame {
    /// The most replies that one message may carry.
    pub(crate) const MAX_REPLIES: usize = 64;

    /// Bytes that `encode` will write, or a few more; what back-pressure counts before there are any.
    pub(crate) fn size_hint(&self) -> usize {
        let head = match self {
            Frame::Message { replies, .. } | Frame::Answer { replies, .. } => 64 + replies.len() * 8,
            Frame::Signal { .. } | Frame::PassedOn { .. } | Frame::GivenUp { .. } => 64,
        };
        head + self.payload().map_or(0, Bytes::len)
    }

    /// The frame's bytes after its head: nothing for most, and never copied by [`encode_head`](Self::encode_head).
    pub(crate) fn payload(&self) -> Option<&Bytes> {
        match self {
            Frame::Message { payload, .. } | Frame::Answer { result: Ok(payload), .. } => Some(payload),
            Frame::Answer { .. } | Frame::Signal { .. } | Frame::PassedOn { .. } | Frame::GivenUp { .. } => None,
        }
    }

    /// Appends the frame's bytes; upon an error `out` is as it was.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        self.encode_head(out)?;
        out.extend_from_slice(self.payload().map_or(&[], |payload| payload));
        Ok(())
    }

    /// Appends the frame's bytes without its [`payload`](Self::payload); upon an error `out` is as it was.
    pub(crate) fn encode_head(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        let start = out.len();
        let done = self.write(out);
        if done.is_err() {
            out.truncate(start);
        }
        done
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        match self {
            Frame::Message { from, to, protocol, variant, replies, .. } => {
                put_head(out, MESSAGE, *from, to)?;
                out.extend_from_slice(&protocol.to_le_bytes());
                varint::put(out, u64::from(*variant));
                put_replies(out, replies)?;
            }
            Frame::Answer { from, id, replies, result } => {
                put_call(out, if result.is_ok() { ANSWER } else { FAILED }, *from, *id);
                match result {
                    Ok(_) => put_replies(out, replies)?,
                    Err(error) => put_postcard(out, error)?,
                }
            }
            Frame::PassedOn { from, id } => put_call(out, PASSED_ON, *from, *id),
            Frame::GivenUp { from, id } => put_call(out, GIVEN_UP, *from, *id),
            Frame::Signal { from, to, signal } => match signal {
                Signal::Link => put_head(out, LINK, *from, to)?,
                Signal::Unlink { id } => {
                    put_head(out, UNLINK, *from, to)?;
                    varint::put(out, *id);
                }
                Signal::UnlinkAck { id } => {
                    put_head(out, UNLINK_ACK, *from, to)?;
                    varint::put(out, *id);
                }
                Signal::Exit { reason, linked } => {
                    put_head(out, EXIT, *from, to)?;
                    out.push(u8::from(*linked));
                    put_postcard(out, reason)?;
                }
                Signal::Stop { reason } => {
                    put_head(out, EXIT, *from, to)?;
                    out.push(STOP);
                    put_postcard(out, reason)?;
                }
                Signal::Monitor { reference, waits } => {
                    put_head(out, if *waits { MONITOR } else { MONITOR_NOW }, *from, to)?;
                    varint::put(out, reference.0);
                }
                Signal::Demonitor { reference } => {
                    put_head(out, DEMONITOR, *from, to)?;
                    varint::put(out, reference.0);
                }
                Signal::Down { reference, reason } => {
                    put_head(out, DOWN, *from, to)?;
                    varint::put(out, reference.0);
                    put_postcard(out, reason)?;
                }
            },
        }
        Ok(())
    }

    /// Reads one frame, which `bytes` must be exactly.
    pub(crate) fn decode(bytes: &Bytes) -> Result<Frame, WireError> {
        let mut reader = Reader::new(bytes);
        let kind = reader.byte()?;
        if kind > MONITOR_NOW {
            return Err(WireError::Kind(kind));
        }
        let from = reader.varint()?;
        match kind {
            ANSWER => {
                let (id, replies) = (reader.fixed()?, take_replies(&mut reader)?);
                return Ok(Frame::Answer { from, id, replies, result: Ok(tail(bytes, &reader)) });
            }
            FAILED => {
                let id = reader.fixed()?;
                return Ok(Frame::Answer { from, id, replies: Vec::new(), result: Err(take_postcard(reader)?) });
            }
            PASSED_ON | GIVEN_UP => {
                let id = reader.fixed()?;
                reader.finish()?;
                return Ok(if kind == PASSED_ON { Frame::PassedOn { from, id } } else { Frame::GivenUp { from, id } });
            }
            _ => {}
        }
        let to = take_target(&mut reader)?;
        let signal = match kind {
            MESSAGE => {
                let protocol = reader.fixed()?;
                let variant = u32::try_from(reader.varint()?).map_err(|_| WireError::Number)?;
                let replies = take_replies(&mut reader)?;
                let payload = tail(bytes, &reader);
                return Ok(Frame::Message { from, to, protocol, variant, replies, payload });
            }
            LINK => Signal::Link,
            UNLINK => Signal::Unlink { id: reader.varint()? },
            UNLINK_ACK => Signal::UnlinkAck { id: reader.varint()? },
            EXIT => {
                let what = reader.byte()?;
                if what > STOP {
                    return Err(WireError::Kind(what));
                }
                let reason = take_postcard(reader)?;
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
                let reason: Exit = take_postcard(reader)?;
                return Ok(Frame::Signal { from, to, signal: Signal::Down { reference, reason } });
            }
        };
        reader.finish()?;
        Ok(Frame::Signal { from, to, signal })
    }
}

fn put_head(out: &mut Vec<u8>, kind: u8, from: u64, to: &FrameTarget) -> Result<(), WireError> {
    out.push(kind);
    varint::put(out, from);
    match to {
        FrameTarget::Pid { incarnation, number } => {
            out.push(PID);
            varint::put(out, *incarnation);
            varint::put(out, *number);
        }
        FrameTarget::Name(name) => {
            if name.is_empty() || name.len() > FrameTarget::MAX_NAME {
                return Err(WireError::Text);
            }
            out.push(NAME);
            varint::put(out, name.len() as u64);
            out.extend_from_slice(name.as_bytes());
        }
    }
    Ok(())
}

fn put_call(out: &mut Vec<u8>, kind: u8, from: u64, id: u64) {
    out.push(kind);
    varint::put(out, from);
    out.extend_from_slice(&id.to_le_bytes());
}

fn put_replies(out: &mut Vec<u8>, ids: &[u64]) -> Result<(), WireError> {
    if ids.len() > Frame::MAX_REPLIES {
        return Err(WireError::Replies);
    }
    varint::put(out, ids.len() as u64);
    ids.iter().for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
    Ok(())
}

fn take_replies(reader: &mut Reader<'_>) -> Result<Vec<u64>, WireError> {
    let count = reader.varint()?;
    if count > Frame::MAX_REPLIES as u64 {
        return Err(WireError::Replies);
    }
    (0..count).map(|_| reader.fixed()).collect()
}

fn put_postcard(out: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<(), WireError> {
    Encoder::new(out, usize::MAX).field(value).map_err(|_| WireError::Reason)
}

fn take_target(reader: &mut Reader<'_>) -> Result<FrameTarget, WireError> {
    match reader.byte()? {
        PID => Ok(FrameTarget::Pid { incarnation: reader.varint()?, number: reader.varint()? }),
        NAME => Ok(FrameTarget::Name(reader.text(FrameTarget::MAX_NAME)?.to_owned())),
        other => Err(WireError::Kind(other)),
    }
}

fn take_postcard<T: serde::de::DeserializeOwned>(reader: Reader<'_>) -> Result<T, WireError> {
    let mut decoder = Decoder::new(reader.rest());
    let value = decoder.field().map_err(|_| WireError::Reason)?;
    decoder.finish().map_err(|_| WireError::Trailing)?;
    Ok(value)
}

/// All that the reader has left, as a slice of the same buffer.
fn tail(bytes: &Bytes, reader: &Reader<'_>) -> Bytes {
    bytes.slice(bytes.len() - reader.rest().len()..)
}

#[cfg(test)]
mod tests;
