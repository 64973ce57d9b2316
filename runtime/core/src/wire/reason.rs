//! The bytes of exit reasons and of call errors: a code, and what belongs to it.
//!
//! | part | bytes |
//! |---|---|
//! | *text* | length *n* (0..=65,536), so many bytes of UTF-8 |
//! | *pids* | count *n*, then for each: node name (length *n*, 1..=255, UTF-8), incarnation *n*, number *n* |
//!
//! | code *n* | exit reason | code *n* | exit reason |
//! |---|---|---|---|
//! | `0` | normal | `6` | no connection |
//! | `1` | shutdown | `7` | panic: message *text*, location *text* |
//! | `2` | shutdown with details: *text* | `8` | error: *text* |
//! | `3` | kill | `9` | cycle: *pids* |
//! | `4` | killed | `10` | other: *text* |
//! | `5` | no process | `11` | claim lost: key *text* |
//!
//! | code *n* | call error | code *n* | call error |
//! |---|---|---|---|
//! | `0` | timeout | `9` | encode, too large: limit *n* |
//! | `1` | exit: an exit reason | `10` | encode, a field: *text* |
//! | `2` | no process | `11` | decode, local protocol |
//! | `3` | no connection | `12` | decode, unknown variant: *n* (32 bits) |
//! | `4` | mailbox full | `13` | decode, malformed: *text* |
//! | `5` | reply dropped | `14` | decode, too deep: limit *n* |
//! | `6` | call to itself | `15` | cycle: *pids* |
//! | `7` | incompatible: *text* | `16` | other: *text* |
//! | `8` | encode, local protocol | `17` | decode, too many elements: limit *n* |
//! | | | `18` | decode, too much memory: limit *n* |
//! | | | `19` | not exported: *text* |
//! | | | `20` | unknown constructor: *text* |
//! | | | `21` | not allowed: the right's name, *text* |
//!
//! Codes from 64 on are for later versions. Their first part is always a *text*. A node that does not know such a code
//! reads that text as `Other`, and skips the rest. A reason ends with its frame.
//!
//! A text of more than 64 KiB is shortened at its sender, with a note at its end. Of a cycle, the first 1,024 pids are
//! sent.

use std::sync::Arc;

use super::WireError;
use super::varint::{self, Reader};
use crate::base::{CallErrorKind, DecodeError, EncodeError, Exit, NodeId, NodeName, Pid, Right, shorten};

/// The longest text of a reason, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// The most pids of a cycle.
const MAX_PIDS: usize = 1024;
/// The first code of later versions.
const LATER: u64 = 64;

/// The codes of exit reasons.
mod exit {
    pub(super) const NORMAL: u64 = 0;
    pub(super) const SHUTDOWN: u64 = 1;
    pub(super) const SHUTDOWN_DETAILS: u64 = 2;
    pub(super) const KILL: u64 = 3;
    pub(super) const KILLED: u64 = 4;
    pub(super) const NO_PROC: u64 = 5;
    pub(super) const NO_CONNECTION: u64 = 6;
    pub(super) const PANIC: u64 = 7;
    pub(super) const ERROR: u64 = 8;
    pub(super) const CYCLE: u64 = 9;
    pub(super) const OTHER: u64 = 10;
    pub(super) const CLAIM_LOST: u64 = 11;
}

/// The codes of call errors.
mod call {
    pub(super) const TIMEOUT: u64 = 0;
    pub(super) const EXIT: u64 = 1;
    pub(super) const NO_PROC: u64 = 2;
    pub(super) const NO_CONNECTION: u64 = 3;
    pub(super) const FULL: u64 = 4;
    pub(super) const DROPPED: u64 = 5;
    pub(super) const ITSELF: u64 = 6;
    pub(super) const INCOMPATIBLE: u64 = 7;
    pub(super) const ENCODE_LOCAL: u64 = 8;
    pub(super) const ENCODE_TOO_LARGE: u64 = 9;
    pub(super) const ENCODE_FIELD: u64 = 10;
    pub(super) const DECODE_LOCAL: u64 = 11;
    pub(super) const DECODE_VARIANT: u64 = 12;
    pub(super) const DECODE_MALFORMED: u64 = 13;
    pub(super) const DECODE_TOO_DEEP: u64 = 14;
    pub(super) const CYCLE: u64 = 15;
    pub(super) const OTHER: u64 = 16;
    pub(super) const DECODE_TOO_MANY: u64 = 17;
    pub(super) const DECODE_TOO_LARGE: u64 = 18;
    pub(super) const NOT_EXPORTED: u64 = 19;
    pub(super) const UNKNOWN_CONSTRUCTOR: u64 = 20;
    pub(super) const NOT_ALLOWED: u64 = 21;
}

/// Appends an exit reason.
pub(super) fn put_exit(out: &mut Vec<u8>, reason: &Exit) {
    match reason {
        Exit::Normal => varint::put(out, exit::NORMAL),
        Exit::Shutdown(None) => varint::put(out, exit::SHUTDOWN),
        Exit::Shutdown(Some(details)) => put_with_text(out, exit::SHUTDOWN_DETAILS, details),
        Exit::Kill => varint::put(out, exit::KILL),
        Exit::Killed => varint::put(out, exit::KILLED),
        Exit::NoProc => varint::put(out, exit::NO_PROC),
        Exit::NoConnection => varint::put(out, exit::NO_CONNECTION),
        Exit::Panic { message, location } => {
            put_with_text(out, exit::PANIC, message);
            put_text(out, location);
        }
        Exit::Error { message } => put_with_text(out, exit::ERROR, message),
        Exit::Cycle { pids } => put_with_pids(out, exit::CYCLE, pids),
        Exit::Other(text) => put_with_text(out, exit::OTHER, text),
        Exit::ClaimLost { key } => put_with_text(out, exit::CLAIM_LOST, key),
    }
}

/// Reads an exit reason, which ends with the frame.
pub(super) fn take_exit(mut reader: Reader<'_>) -> Result<Exit, WireError> {
    let reason = match reader.varint()? {
        exit::NORMAL => Exit::Normal,
        exit::SHUTDOWN => Exit::Shutdown(None),
        exit::SHUTDOWN_DETAILS => Exit::Shutdown(Some(take_text(&mut reader)?)),
        exit::KILL => Exit::Kill,
        exit::KILLED => Exit::Killed,
        exit::NO_PROC => Exit::NoProc,
        exit::NO_CONNECTION => Exit::NoConnection,
        exit::PANIC => Exit::Panic { message: take_text(&mut reader)?, location: take_text(&mut reader)? },
        exit::ERROR => Exit::Error { message: take_text(&mut reader)? },
        exit::CYCLE => Exit::Cycle { pids: take_pids(&mut reader)? },
        exit::OTHER => Exit::Other(take_text(&mut reader)?),
        exit::CLAIM_LOST => Exit::ClaimLost { key: take_text(&mut reader)? },
        LATER.. => return Ok(Exit::Other(take_text(&mut reader)?)),
        _ => return Err(WireError::Reason),
    };
    reader.finish()?;
    Ok(reason)
}

/// Appends a call error.
pub(super) fn put_call_error(out: &mut Vec<u8>, error: &CallErrorKind) {
    match error {
        CallErrorKind::Timeout => varint::put(out, call::TIMEOUT),
        CallErrorKind::Exit(reason) => {
            varint::put(out, call::EXIT);
            put_exit(out, reason);
        }
        CallErrorKind::NoProc => varint::put(out, call::NO_PROC),
        CallErrorKind::NoConnection => varint::put(out, call::NO_CONNECTION),
        CallErrorKind::Full => varint::put(out, call::FULL),
        CallErrorKind::Dropped => varint::put(out, call::DROPPED),
        CallErrorKind::Itself => varint::put(out, call::ITSELF),
        CallErrorKind::Incompatible(details) => put_with_text(out, call::INCOMPATIBLE, details),
        CallErrorKind::Encode(EncodeError::Local) => varint::put(out, call::ENCODE_LOCAL),
        CallErrorKind::Encode(EncodeError::TooLarge { limit }) => {
            put_with_number(out, call::ENCODE_TOO_LARGE, *limit as u64);
        }
        CallErrorKind::Encode(EncodeError::Field(details)) => put_with_text(out, call::ENCODE_FIELD, details),
        CallErrorKind::Decode(DecodeError::Local) => varint::put(out, call::DECODE_LOCAL),
        CallErrorKind::Decode(DecodeError::Variant(index)) => {
            put_with_number(out, call::DECODE_VARIANT, u64::from(*index));
        }
        CallErrorKind::Decode(DecodeError::Malformed(details)) => put_with_text(out, call::DECODE_MALFORMED, details),
        CallErrorKind::Decode(DecodeError::TooDeep { limit }) => {
            put_with_number(out, call::DECODE_TOO_DEEP, *limit as u64);
        }
        CallErrorKind::Decode(DecodeError::TooMany { limit }) => {
            put_with_number(out, call::DECODE_TOO_MANY, *limit as u64);
        }
        CallErrorKind::Decode(DecodeError::TooLarge { limit }) => {
            put_with_number(out, call::DECODE_TOO_LARGE, *limit as u64);
        }
        CallErrorKind::Cycle { pids } => put_with_pids(out, call::CYCLE, pids),
        CallErrorKind::NotExported(name) => put_with_text(out, call::NOT_EXPORTED, name),
        CallErrorKind::UnknownConstructor(name) => put_with_text(out, call::UNKNOWN_CONSTRUCTOR, name),
        CallErrorKind::NotAllowed(right) => put_with_text(out, call::NOT_ALLOWED, right.name()),
        CallErrorKind::Other(text) => put_with_text(out, call::OTHER, text),
    }
}

/// Reads a call error, which ends with the frame.
pub(super) fn take_call_error(mut reader: Reader<'_>) -> Result<CallErrorKind, WireError> {
    let error = match reader.varint()? {
        call::TIMEOUT => CallErrorKind::Timeout,
        call::EXIT => return take_exit(reader).map(CallErrorKind::Exit),
        call::NO_PROC => CallErrorKind::NoProc,
        call::NO_CONNECTION => CallErrorKind::NoConnection,
        call::FULL => CallErrorKind::Full,
        call::DROPPED => CallErrorKind::Dropped,
        call::ITSELF => CallErrorKind::Itself,
        call::INCOMPATIBLE => CallErrorKind::Incompatible(take_text(&mut reader)?),
        call::ENCODE_LOCAL => CallErrorKind::Encode(EncodeError::Local),
        call::ENCODE_TOO_LARGE => CallErrorKind::Encode(EncodeError::TooLarge { limit: take_size(&mut reader)? }),
        call::ENCODE_FIELD => CallErrorKind::Encode(EncodeError::Field(take_text(&mut reader)?)),
        call::DECODE_LOCAL => CallErrorKind::Decode(DecodeError::Local),
        call::DECODE_VARIANT => {
            let index = u32::try_from(reader.varint()?).map_err(|_| WireError::Number)?;
            CallErrorKind::Decode(DecodeError::Variant(index))
        }
        call::DECODE_MALFORMED => CallErrorKind::Decode(DecodeError::Malformed(take_text(&mut reader)?)),
        call::DECODE_TOO_DEEP => CallErrorKind::Decode(DecodeError::TooDeep { limit: take_size(&mut reader)? }),
        call::DECODE_TOO_MANY => CallErrorKind::Decode(DecodeError::TooMany { limit: take_size(&mut reader)? }),
        call::DECODE_TOO_LARGE => CallErrorKind::Decode(DecodeError::TooLarge { limit: take_size(&mut reader)? }),
        call::CYCLE => CallErrorKind::Cycle { pids: take_pids(&mut reader)? },
        call::NOT_EXPORTED => CallErrorKind::NotExported(take_text(&mut reader)?),
        call::UNKNOWN_CONSTRUCTOR => CallErrorKind::UnknownConstructor(take_text(&mut reader)?),
        call::NOT_ALLOWED => {
            let name = take_text(&mut reader)?;
            // A right of a later version.
            Right::named(&name).map_or_else(|| CallErrorKind::Other(name), CallErrorKind::NotAllowed)
        }
        call::OTHER => CallErrorKind::Other(take_text(&mut reader)?),
        LATER.. => return Ok(CallErrorKind::Other(take_text(&mut reader)?)),
        _ => return Err(WireError::Reason),
    };
    reader.finish()?;
    Ok(error)
}

fn put_with_text(out: &mut Vec<u8>, code: u64, text: &str) {
    varint::put(out, code);
    put_text(out, text);
}

fn put_with_number(out: &mut Vec<u8>, code: u64, number: u64) {
    varint::put(out, code);
    varint::put(out, number);
}

fn put_with_pids(out: &mut Vec<u8>, code: u64, pids: &[Pid]) {
    varint::put(out, code);
    let pids = &pids[..pids.len().min(MAX_PIDS)];
    varint::put(out, pids.len() as u64);
    for pid in pids {
        let node = pid.node_id();
        varint::put(out, node.name.as_str().len() as u64);
        out.extend_from_slice(node.name.as_str().as_bytes());
        varint::put(out, node.incarnation);
        varint::put(out, pid.number());
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let text = shorten(text, MAX_TEXT);
    varint::put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn take_text(reader: &mut Reader<'_>) -> Result<Arc<str>, WireError> {
    reader.text_or_empty(MAX_TEXT).map(Arc::from)
}

fn take_size(reader: &mut Reader<'_>) -> Result<usize, WireError> {
    usize::try_from(reader.varint()?).map_err(|_| WireError::Number)
}

fn take_pids(reader: &mut Reader<'_>) -> Result<Vec<Pid>, WireError> {
    let count = reader.varint()?;
    if count > MAX_PIDS as u64 {
        return Err(WireError::Reason);
    }
    let mut pids: Vec<Pid> = Vec::new();
    // The count is not trusted: each pid is read before it is stored.
    for _ in 0..count {
        let name = NodeName::new(reader.text(NodeName::MAX)?).map_err(|_| WireError::Text)?;
        let node = NodeId { name, incarnation: reader.varint()? };
        let node = match pids.last() {
            Some(last) if **last.node_id() == node => Arc::clone(last.node_id()),
            _ => Arc::new(node),
        };
        pids.push(Pid::new(node, reader.varint()?));
    }
    Ok(pids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_bytes(reason: &Exit) -> Vec<u8> {
        let mut out = Vec::new();
        put_exit(&mut out, reason);
        out
    }

    fn call_bytes(error: &CallErrorKind) -> Vec<u8> {
        let mut out = Vec::new();
        put_call_error(&mut out, error);
        out
    }

    fn pids() -> Vec<Pid> {
        let node = |name, incarnation| Arc::new(NodeId { name: NodeName::new(name).unwrap(), incarnation });
        let shop = node("shop@a", 1 << 50);
        vec![Pid::new(Arc::clone(&shop), 3), Pid::new(shop, 300), Pid::new(node("stock@b", 2), 1)]
    }

    #[test]
    fn each_reason_has_its_code_and_is_read_as_it_was_written() {
        let check = |reason: Exit, code: u8| {
            let bytes = exit_bytes(&reason);
            assert_eq!(bytes[0], code, "{reason:?}");
            assert_eq!(take_exit(Reader::new(&bytes)), Ok(reason.clone()));
            let nested = CallErrorKind::Exit(reason);
            assert_eq!(take_call_error(Reader::new(&call_bytes(&nested))), Ok(nested));
            for cut in 0..bytes.len() {
                assert!(take_exit(Reader::new(&bytes[..cut])).is_err());
            }
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!(take_exit(Reader::new(&longer)), Err(WireError::Trailing));
        };
        check(Exit::Normal, 0);
        check(Exit::Shutdown(None), 1);
        check(Exit::Shutdown(Some("".into())), 2);
        check(Exit::Kill, 3);
        check(Exit::Killed, 4);
        check(Exit::NoProc, 5);
        check(Exit::NoConnection, 6);
        check(Exit::panic("boom", "a.rs:1:1"), 7);
        check(Exit::error("disk full"), 8);
        check(Exit::Cycle { pids: pids() }, 9);
        check(Exit::Other("paused".into()), 10);
        check(Exit::ClaimLost { key: "global/mail".into() }, 11);
    }

    #[test]
    fn each_call_error_has_its_code_and_is_read_as_it_was_written() {
        let check = |error: CallErrorKind, code: u8| {
            let bytes = call_bytes(&error);
            assert_eq!(bytes[0], code, "{error:?}");
            assert_eq!(take_call_error(Reader::new(&bytes)), Ok(error));
            for cut in 0..bytes.len() {
                assert!(take_call_error(Reader::new(&bytes[..cut])).is_err());
            }
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!(take_call_error(Reader::new(&longer)), Err(WireError::Trailing));
        };
        check(CallErrorKind::Timeout, 0);
        check(CallErrorKind::Exit(Exit::Killed), 1);
        check(CallErrorKind::NoProc, 2);
        check(CallErrorKind::NoConnection, 3);
        check(CallErrorKind::Full, 4);
        check(CallErrorKind::Dropped, 5);
        check(CallErrorKind::Itself, 6);
        check(CallErrorKind::Incompatible("shop::Orders".into()), 7);
        check(CallErrorKind::Encode(EncodeError::Local), 8);
        check(CallErrorKind::Encode(EncodeError::TooLarge { limit: 1 << 24 }), 9);
        check(CallErrorKind::Encode(EncodeError::Field("ü".into())), 10);
        check(CallErrorKind::Decode(DecodeError::Local), 11);
        check(CallErrorKind::Decode(DecodeError::Variant(u32::MAX)), 12);
        check(CallErrorKind::Decode(DecodeError::Malformed("".into())), 13);
        check(CallErrorKind::Decode(DecodeError::TooDeep { limit: 128 }), 14);
        check(CallErrorKind::Cycle { pids: Vec::new() }, 15);
        check(CallErrorKind::Other("paused".into()), 16);
        check(CallErrorKind::Decode(DecodeError::TooMany { limit: 4099 }), 17);
        check(CallErrorKind::Decode(DecodeError::TooLarge { limit: 1 << 40 }), 18);
        check(CallErrorKind::NotExported("Render".into()), 19);
        check(CallErrorKind::UnknownConstructor("Render::open".into()), 20);
        for right in Right::ALL {
            check(CallErrorKind::NotAllowed(right), 21);
        }
    }

    #[test]
    fn a_code_of_a_later_version_is_read_as_other_and_an_unassigned_one_is_an_error() {
        let later = |code: u64| {
            let mut bytes = Vec::new();
            put_with_text(&mut bytes, code, "the process was moved");
            bytes.extend_from_slice(&[1, 2, 3]);
            bytes
        };
        for code in [LATER, LATER + 1, u64::MAX] {
            let bytes = later(code);
            let text: Arc<str> = "the process was moved".into();
            assert_eq!(take_exit(Reader::new(&bytes)), Ok(Exit::Other(Arc::clone(&text))));
            assert_eq!(take_call_error(Reader::new(&bytes)), Ok(CallErrorKind::Other(text)));
        }
        assert_eq!(take_exit(Reader::new(&later(exit::CLAIM_LOST + 1))), Err(WireError::Reason));
        assert_eq!(take_call_error(Reader::new(&later(call::NOT_ALLOWED + 1))), Err(WireError::Reason));
        assert_eq!(take_exit(Reader::new(&later(LATER - 1))), Err(WireError::Reason));
    }

    #[test]
    fn a_long_text_is_shortened_at_a_character() {
        let long = "ü".repeat(MAX_TEXT);
        let bytes = exit_bytes(&Exit::error(&long));
        let Ok(Exit::Error { message }) = take_exit(Reader::new(&bytes)) else { panic!("not an error") };
        assert!(message.len() <= MAX_TEXT && message.len() > MAX_TEXT - 8, "{}", message.len());
        assert!(message.starts_with("üü") && message.ends_with("ü … (shortened from 131072 bytes)"));
        let whole = "a".repeat(MAX_TEXT);
        let bytes = exit_bytes(&Exit::error(&whole));
        assert_eq!(take_exit(Reader::new(&bytes)), Ok(Exit::error(&whole)));
        let mut too_long = vec![8];
        put_raw(&mut too_long, &"a".repeat(MAX_TEXT + 1));
        assert_eq!(take_exit(Reader::new(&too_long)), Err(WireError::Text));
    }

    #[test]
    fn a_long_cycle_is_shortened_and_a_longer_one_is_refused() {
        let sent = Exit::Cycle { pids: pids().into_iter().cycle().take(MAX_PIDS + 1).collect() };
        let Ok(Exit::Cycle { pids }) = take_exit(Reader::new(&exit_bytes(&sent))) else { panic!("not a cycle") };
        assert_eq!(pids.len(), MAX_PIDS);
        let mut too_many = vec![exit::CYCLE as u8];
        varint::put(&mut too_many, MAX_PIDS as u64 + 1);
        too_many.extend([1, b'a', 1, 1].repeat(MAX_PIDS + 1));
        assert_eq!(take_exit(Reader::new(&too_many)), Err(WireError::Reason));
    }

    fn put_raw(out: &mut Vec<u8>, text: &str) {
        varint::put(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
}
