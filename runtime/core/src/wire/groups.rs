//! The members of groups, as a node describes its own to its peers.
//!
//! | part | bytes |
//! |---|---|
//! | *text* | length *n*, so many bytes of UTF-8 |
//! | *group* | name (*text*, 0..=255), protocol (*text*, 1..=255) |
//! | *numbers* | count *n*, the first process number *n*, and for each further one the difference to the one before, *n* and not zero |
//! | *change* | *group*, *numbers* of the processes that are members, *numbers* of those that are not |
//!
//! | update | bytes |
//! |---|---|
//! | the sender takes part in groups | `0` |
//! | changes | `1`, *changes* to the end |
//! | all members in a range | `2`, begin (`0` of all, `1` behind this member: *group* and number *n*), end (`0` with the last member, `1` of all), *changes* to the end, in which all processes are members |
//! | of a later version | others |
//!
//! Groups ascend within an update: by name, then by protocol. An update has at most 4,096 numbers, and no change without
//! one. So a frame that is received occupies memory in proportion to its bytes.
//!
//! An update does not refer to earlier ones. A change states the present state of a process, and a range that of all
//! processes in it, so a repetition has no effect.

use std::sync::Arc;

use super::varint::{self, Reader};
use super::{FrameTarget, WireError};

/// The name of a group, and the protocol of its members. Groups of one name with different protocols are different groups.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupName {
    pub(crate) name: Arc<str>,
    pub(crate) protocol: Arc<str>,
}

/// A message about the groups of the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupUpdate {
    /// The sender takes part in groups: the peer is to send the members on its node, and all changes of them.
    Open,
    /// Processes of the sender that are, or are not, members.
    Changes(Vec<GroupChange>),
    /// All members behind `after` that belong to the sender, up to the last one here or with `is_last` to the end.
    Range { after: Option<(Arc<GroupName>, u64)>, is_last: bool, members: Vec<GroupChange> },
    /// An update of a later version, which has no effect.
    Unknown,
}

/// The state of some processes in one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupChange {
    pub(crate) group: Arc<GroupName>,
    /// The processes that are members, in the order of their numbers.
    pub(crate) joined: Vec<u64>,
    /// The processes that are not members, in the order of their numbers.
    pub(crate) left: Vec<u64>,
}

const OPEN: u8 = 0;
const CHANGES: u8 = 1;
const RANGE: u8 = 2;

impl GroupName {
    /// The longest name of a group, and of a protocol, in bytes.
    pub(crate) const MAX: usize = FrameTarget::MAX_NAME;
}

impl GroupUpdate {
    /// The most process numbers of an update.
    pub(crate) const MAX_NUMBERS: usize = 4096;

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        let changes = match self {
            GroupUpdate::Open => {
                out.push(OPEN);
                return Ok(());
            }
            GroupUpdate::Unknown => {
                out.push(u8::MAX);
                return Ok(());
            }
            GroupUpdate::Changes(changes) => {
                out.push(CHANGES);
                changes
            }
            GroupUpdate::Range { after, is_last, members } => {
                out.push(RANGE);
                out.push(u8::from(after.is_some()));
                if let Some((group, number)) = after {
                    put_group(out, group)?;
                    varint::put(out, *number);
                }
                out.push(u8::from(*is_last));
                members
            }
        };
        for change in changes {
            put_group(out, &change.group)?;
            put_numbers(out, &change.joined);
            put_numbers(out, &change.left);
        }
        Ok(())
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<GroupUpdate, WireError> {
        match reader.byte()? {
            OPEN => {
                reader.finish()?;
                Ok(GroupUpdate::Open)
            }
            CHANGES => Ok(GroupUpdate::Changes(take_changes(reader)?)),
            RANGE => {
                let after = match flag(&mut reader)? {
                    true => Some((Arc::new(take_group(&mut reader)?), reader.varint()?)),
                    false => None,
                };
                let is_last = flag(&mut reader)?;
                let members = take_changes(reader)?;
                match members.iter().any(|change| !change.left.is_empty()) {
                    true => Err(WireError::Groups),
                    false => Ok(GroupUpdate::Range { after, is_last, members }),
                }
            }
            _ => Ok(GroupUpdate::Unknown),
        }
    }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, WireError> {
    match reader.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(WireError::Kind(other)),
    }
}

fn put_group(out: &mut Vec<u8>, GroupName { name, protocol }: &GroupName) -> Result<(), WireError> {
    if name.len() > GroupName::MAX || protocol.is_empty() || protocol.len() > GroupName::MAX {
        return Err(WireError::Text);
    }
    for text in [name, protocol] {
        varint::put(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
    Ok(())
}

fn take_group(reader: &mut Reader<'_>) -> Result<GroupName, WireError> {
    let name = reader.text_or_empty(GroupName::MAX)?.into();
    Ok(GroupName { name, protocol: reader.text(GroupName::MAX)?.into() })
}

fn put_numbers(out: &mut Vec<u8>, numbers: &[u64]) {
    varint::put(out, numbers.len() as u64);
    let mut before = 0;
    for number in numbers {
        varint::put(out, number - before);
        before = *number;
    }
}

/// Reads numbers, at most `room` of them, which is lowered by their count.
fn take_numbers(reader: &mut Reader<'_>, room: &mut usize) -> Result<Vec<u64>, WireError> {
    let count = usize::try_from(reader.varint()?).map_err(|_| WireError::Groups)?;
    *room = room.checked_sub(count).ok_or(WireError::Groups)?;
    let mut numbers = Vec::with_capacity(count.min(reader.rest().len()));
    for index in 0..count {
        let step = reader.varint()?;
        let number = numbers.last().copied().unwrap_or(0_u64).checked_add(step).ok_or(WireError::Groups)?;
        if index > 0 && step == 0 {
            return Err(WireError::Groups);
        }
        numbers.push(number);
    }
    Ok(numbers)
}

fn take_changes(mut reader: Reader<'_>) -> Result<Vec<GroupChange>, WireError> {
    let mut room = GroupUpdate::MAX_NUMBERS;
    let mut changes: Vec<GroupChange> = Vec::new();
    while !reader.is_empty() {
        let group = Arc::new(take_group(&mut reader)?);
        let joined = take_numbers(&mut reader, &mut room)?;
        let left = take_numbers(&mut reader, &mut room)?;
        let is_in_order = changes.last().is_none_or(|before| before.group < group);
        if !is_in_order || joined.is_empty() && left.is_empty() {
            return Err(WireError::Groups);
        }
        changes.push(GroupChange { group, joined, left });
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> Arc<GroupName> {
        Arc::new(GroupName { name: name.into(), protocol: "shop::Mail".into() })
    }

    fn change(name: &str, joined: &[u64], left: &[u64]) -> GroupChange {
        GroupChange { group: group(name), joined: joined.into(), left: left.into() }
    }

    fn encoded(update: &GroupUpdate) -> Vec<u8> {
        let mut out = Vec::new();
        update.write(&mut out).unwrap();
        out
    }

    #[test]
    fn a_decoded_update_is_the_encoded_one() {
        let changes = vec![change("", &[0, 1, u64::MAX], &[]), change(&"ü".repeat(127), &[5], &[4, 600])];
        let members = vec![change("a", &[7], &[])];
        for update in [
            GroupUpdate::Open,
            GroupUpdate::Changes(changes),
            GroupUpdate::Range { after: None, is_last: true, members: Vec::new() },
            GroupUpdate::Range { after: Some((group("a"), 6)), is_last: false, members },
        ] {
            let bytes = encoded(&update);
            assert_eq!(GroupUpdate::read(Reader::new(&bytes)).as_ref(), Ok(&update));
            for cut in 0..bytes.len() {
                let read = GroupUpdate::read(Reader::new(&bytes[..cut]));
                assert_ne!(read.as_ref(), Ok(&update), "cut at {cut}");
            }
        }
        assert_eq!(GroupUpdate::read(Reader::new(&[9, 1, 2])), Ok(GroupUpdate::Unknown));
    }

    #[test]
    fn bytes_follow_the_table() {
        let name = |name: &str| Arc::new(GroupName { name: name.into(), protocol: "P".into() });
        let change = GroupChange { group: name("g"), joined: vec![3, 5], left: vec![300] };
        let expected = [1, 1, b'g', 1, b'P', 2, 3, 2, 1, 0xac, 2];
        assert_eq!(encoded(&GroupUpdate::Changes(vec![change])), expected);
        let members = vec![GroupChange { group: name(""), joined: vec![9], left: vec![] }];
        let range = GroupUpdate::Range { after: Some((name(""), 8)), is_last: true, members };
        assert_eq!(encoded(&range), [2, 1, 0, 1, b'P', 8, 1, 0, 1, b'P', 1, 9, 0]);
    }

    #[test]
    fn an_update_that_is_not_in_order_or_too_large_is_refused() {
        let read = |update: &GroupUpdate| GroupUpdate::read(Reader::new(&encoded(update)));
        let numbers = |count: u64| (1..=count).collect::<Vec<_>>();
        let most = GroupUpdate::MAX_NUMBERS as u64;
        for (changes, is_valid) in [
            (vec![change("a", &numbers(most), &[])], true),
            (vec![change("a", &numbers(most + 1), &[])], false),
            (vec![change("a", &numbers(most - 1), &[1]), change("b", &[1], &[])], false),
            (vec![change("a", &[], &[])], false),
            (vec![change("b", &[1], &[]), change("a", &[1], &[])], false),
            (vec![change("a", &[1], &[]), change("a", &[2], &[])], false),
        ] {
            let read = read(&GroupUpdate::Changes(changes.clone()));
            assert_eq!(read.is_ok(), is_valid, "{} changes: {read:?}", changes.len());
        }
        let left = GroupUpdate::Range { after: None, is_last: true, members: vec![change("a", &[], &[1])] };
        assert_eq!(read(&left), Err(WireError::Groups));
        // Twice the same number, and a number that is too large.
        for numbers in [&[2, 3, 0][..], &[2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]] {
            let bytes = [&[1, 1, b'g', 1, b'P'], numbers, &[0]].concat();
            assert_eq!(GroupUpdate::read(Reader::new(&bytes)), Err(WireError::Groups), "{numbers:?}");
        }
    }
}
