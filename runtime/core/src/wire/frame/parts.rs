//! The parts that several frames have: senders and targets, protocols, calls and replies.

use super::Frame;
use crate::wire::varint::{self, Reader};
use crate::wire::{FrameTarget, ReceivedNames, WireError};

/// The kinds of targets.
const PROCESS: u8 = 0;
const NAME: u8 = 1;
const NAME_NUMBER: u8 = 2;
const GROUP: u8 = 3;
const GROUP_NUMBER: u8 = 4;

/// The first byte of a protocol that has no number.
const FINGERPRINT: u64 = 0;

pub(super) fn put_head(
    out: &mut Vec<u8>,
    kind: u8,
    from: u64,
    to: &FrameTarget,
    name_number: Option<u64>,
) -> Result<(), WireError> {
    out.push(kind);
    varint::put(out, from);
    match (to, name_number) {
        (FrameTarget::Process(number), _) => {
            out.push(PROCESS);
            varint::put(out, *number);
        }
        (FrameTarget::Name(_), Some(number)) => {
            out.push(NAME_NUMBER);
            varint::put(out, number);
        }
        (FrameTarget::Group(_), Some(number)) => {
            out.push(GROUP_NUMBER);
            varint::put(out, number);
        }
        (FrameTarget::Name(name) | FrameTarget::Group(name), None) => {
            let is_group = matches!(to, FrameTarget::Group(_));
            if name.is_empty() && !is_group || name.len() > FrameTarget::MAX_NAME {
                return Err(WireError::Text);
            }
            out.push(if is_group { GROUP } else { NAME });
            varint::put(out, name.len() as u64);
            out.extend_from_slice(name.as_bytes());
        }
    }
    Ok(())
}

pub(super) fn put_protocol(out: &mut Vec<u8>, fingerprint: u64, number: Option<u64>) {
    match number {
        Some(number) => varint::put(out, number + 1),
        None => {
            varint::put(out, FINGERPRINT);
            out.extend_from_slice(&fingerprint.to_le_bytes());
        }
    }
}

pub(super) fn put_call(out: &mut Vec<u8>, kind: u8, from: u64, id: u64) {
    out.push(kind);
    varint::put(out, from);
    out.extend_from_slice(&id.to_le_bytes());
}

pub(super) fn put_replies(out: &mut Vec<u8>, ids: &[u64]) -> Result<(), WireError> {
    if ids.len() > Frame::MAX_REPLIES {
        return Err(WireError::Replies);
    }
    varint::put(out, ids.len() as u64);
    ids.iter().for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
    Ok(())
}

pub(super) fn take_replies(reader: &mut Reader<'_>) -> Result<Vec<u64>, WireError> {
    let count = reader.varint()?;
    if count > Frame::MAX_REPLIES as u64 {
        return Err(WireError::Replies);
    }
    (0..count).map(|_| reader.fixed()).collect()
}

pub(super) fn put_context(out: &mut Vec<u8>, context: &[u8]) -> Result<(), WireError> {
    if context.len() > Frame::MAX_CONTEXT {
        return Err(WireError::Context);
    }
    varint::put(out, context.len() as u64);
    out.extend_from_slice(context);
    Ok(())
}

pub(super) fn take_context(reader: &mut Reader<'_>) -> Result<Box<[u8]>, WireError> {
    let length = reader.varint()?;
    if length > Frame::MAX_CONTEXT as u64 {
        return Err(WireError::Context);
    }
    reader.bytes(length as usize).map(Box::from)
}

pub(super) fn take_target(reader: &mut Reader<'_>, names: &ReceivedNames) -> Result<FrameTarget, WireError> {
    match reader.byte()? {
        PROCESS => Ok(FrameTarget::Process(reader.varint()?)),
        NAME => Ok(FrameTarget::Name(reader.text(FrameTarget::MAX_NAME)?.into())),
        NAME_NUMBER => names.process(reader.varint()?).map(FrameTarget::Name),
        GROUP => Ok(FrameTarget::Group(reader.text_or_empty(FrameTarget::MAX_NAME)?.into())),
        GROUP_NUMBER => names.process(reader.varint()?).map(FrameTarget::Group),
        other => Err(WireError::Kind(other)),
    }
}

pub(super) fn take_protocol(reader: &mut Reader<'_>, names: &ReceivedNames) -> Result<u64, WireError> {
    match reader.varint()? {
        FINGERPRINT => reader.fixed(),
        number => names.protocol(number - 1),
    }
}
