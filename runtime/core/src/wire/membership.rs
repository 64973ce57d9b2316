//! The members of a cluster, as nodes describe them to each other.
//!
//! | part | bytes |
//! |---|---|
//! | *text* | length *n*, so many bytes of UTF-8 |
//! | *metadata* | count *n* (0..=16), so many keys (*text*, 1..=64) and values (*text*, 0..=255), keys ascend; 768 bytes at most |
//! | *record* | length *n* of what follows, name (*text*, 1..=255), incarnation *n*, `0` joined or `1` left, address (*text*, 0..=512; empty: none), *metadata*, and what a later version adds |
//!
//! | announcement | bytes |
//! |---|---|
//! | members | `0`, *records* to the end |
//! | digest of the sender's members, as a question | `1`, 8 bytes, least first |
//! | digest, as the answer to a question | `2`, 8 bytes, least first |
//! | the sender closes the connection, and does not dial again | `3` |
//! | the connection is idle, and the sender closes it if the receiver agrees; it sends nothing before the answer | `4` |
//! | the receiver may close the idle connection: the sender sends nothing more | `5` |
//! | the receiver must not close the connection: it is in use | `6` |
//! | of a later version | others |

use std::collections::BTreeMap;

use super::WireError;
use super::varint::{self, Reader};
use crate::base::{NodeId, NodeName};

/// A message about the members of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Announcement {
    /// Members of the cluster.
    Members(Vec<MemberRecord>),
    /// The digest of all members in the sender's view. A receiver with another one sends its members, and after a question
    /// its own digest.
    Digest { value: u64, is_question: bool },
    /// The sender closes the connection on purpose. Neither node dials the other until a message needs that.
    Parted,
    /// The sender would close the idle connection. It sends nothing before the receiver's answer.
    Idle,
    /// The receiver may close the idle connection. The sender sends nothing more.
    IdleHere,
    /// The receiver must not close the connection.
    InUse,
    /// An announcement of a later version, which has no effect.
    Unknown,
}

/// One incarnation of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberRecord {
    pub(crate) id: NodeId,
    pub(crate) has_left: bool,
    pub(crate) address: Option<String>,
    pub(crate) metadata: Metadata,
}

/// The values with which a node was started.
pub(crate) type Metadata = BTreeMap<String, String>;

/// The connections that a node opens to other members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MeshKind {
    /// To all of them.
    #[default]
    Full,
    /// To those that it sends messages to.
    OnDemand,
    /// To none: the node is not a member.
    Hidden,
}

/// The longest advertised address, in bytes.
pub(crate) const MAX_ADDRESS: usize = 512;
const MAX_KEY: usize = 64;
const MAX_VALUE: usize = 255;
const MAX_ENTRIES: u64 = 16;
const MAX_METADATA: usize = 768;
/// The bytes of records in one announcement, about.
const MAX_RECORDS: usize = 16 * 1024;

const MEMBERS: u8 = 0;
const QUESTION: u8 = 1;
const ANSWER: u8 = 2;
const PARTED: u8 = 3;
const IDLE: u8 = 4;
const IDLE_HERE: u8 = 5;
const IN_USE: u8 = 6;

impl Announcement {
    /// Returns the announcements of all these members.
    pub(crate) fn of_members(records: Vec<MemberRecord>) -> Vec<Announcement> {
        let (mut announcements, mut next, mut size) = (Vec::new(), Vec::new(), 0);
        for record in records {
            size += record.size();
            next.push(record);
            if size >= MAX_RECORDS {
                announcements.push(Announcement::Members(std::mem::take(&mut next)));
                size = 0;
            }
        }
        announcements.extend((!next.is_empty()).then_some(Announcement::Members(next)));
        announcements
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Announcement::Members(records) => {
                out.push(MEMBERS);
                for record in records {
                    let mut bytes = Vec::with_capacity(record.size());
                    record.write(&mut bytes);
                    varint::put(out, bytes.len() as u64);
                    out.append(&mut bytes);
                }
            }
            Announcement::Digest { value, is_question } => {
                out.push(if *is_question { QUESTION } else { ANSWER });
                out.extend_from_slice(&value.to_le_bytes());
            }
            Announcement::Parted => out.push(PARTED),
            Announcement::Idle => out.push(IDLE),
            Announcement::IdleHere => out.push(IDLE_HERE),
            Announcement::InUse => out.push(IN_USE),
            Announcement::Unknown => out.push(u8::MAX),
        }
    }

    /// Reads an announcement, which the rest of the frame must be exactly.
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Announcement, WireError> {
        let announcement = match reader.byte()? {
            MEMBERS => {
                let mut records = Vec::new();
                while !reader.is_empty() {
                    let length = usize::try_from(reader.varint()?).map_err(|_| WireError::Truncated)?;
                    records.push(MemberRecord::read(Reader::new(reader.bytes(length)?))?);
                }
                Announcement::Members(records)
            }
            kind @ (QUESTION | ANSWER) => {
                Announcement::Digest { value: reader.fixed()?, is_question: kind == QUESTION }
            }
            PARTED => Announcement::Parted,
            IDLE => Announcement::Idle,
            IDLE_HERE => Announcement::IdleHere,
            IN_USE => Announcement::InUse,
            _ => return Ok(Announcement::Unknown),
        };
        reader.finish()?;
        Ok(announcement)
    }
}

impl MemberRecord {
    /// Returns about the number of bytes.
    fn size(&self) -> usize {
        let metadata: usize = self.metadata.iter().map(|(key, value)| key.len() + value.len() + 4).sum();
        self.id.name.as_str().len() + self.address.as_ref().map_or(0, String::len) + metadata + 24
    }

    fn write(&self, out: &mut Vec<u8>) {
        put_text(out, self.id.name.as_str());
        varint::put(out, self.id.incarnation);
        out.push(u8::from(self.has_left));
        put_text(out, self.address.as_deref().unwrap_or_default());
        put_metadata(out, &self.metadata);
    }

    /// Reads a record. Bytes behind the metadata are of a later version.
    fn read(mut reader: Reader<'_>) -> Result<MemberRecord, WireError> {
        let name = NodeName::new(reader.text(NodeName::MAX)?).map_err(|_| WireError::Text)?;
        let incarnation = reader.varint()?;
        let has_left = match reader.byte()? {
            state @ (0 | 1) => state == 1,
            other => return Err(WireError::Kind(other)),
        };
        let address = reader.text_or_empty(MAX_ADDRESS)?;
        let address = (!address.is_empty()).then(|| address.to_owned());
        let metadata = take_metadata(&mut reader)?;
        Ok(MemberRecord { id: NodeId { name, incarnation }, has_left, address, metadata })
    }
}

impl MeshKind {
    pub(crate) fn code(self) -> u64 {
        match self {
            MeshKind::Full => 0,
            MeshKind::OnDemand => 1,
            MeshKind::Hidden => 2,
        }
    }

    /// Returns the kind with this code. A kind of a later version is treated as hidden: nothing is expected of the node.
    pub(crate) fn of_code(code: u64) -> MeshKind {
        match code {
            0 => MeshKind::Full,
            1 => MeshKind::OnDemand,
            _ => MeshKind::Hidden,
        }
    }
}

/// Returns `true` if a node may have this metadata.
pub(crate) fn is_valid_metadata(metadata: &Metadata) -> bool {
    let mut bytes = Vec::new();
    put_metadata(&mut bytes, metadata);
    take_metadata(&mut Reader::new(&bytes)).is_ok()
}

pub(crate) fn put_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    varint::put(out, metadata.len() as u64);
    for (key, value) in metadata {
        put_text(out, key);
        put_text(out, value);
    }
}

pub(crate) fn take_metadata(reader: &mut Reader<'_>) -> Result<Metadata, WireError> {
    let (count, before) = (reader.varint()?, reader.rest().len());
    if count > MAX_ENTRIES {
        return Err(WireError::Number);
    }
    let mut metadata = Metadata::new();
    for _ in 0..count {
        let (key, value) = (reader.text(MAX_KEY)?, reader.text_or_empty(MAX_VALUE)?);
        if metadata.last_key_value().is_some_and(|(last, _)| last.as_str() >= key) {
            return Err(WireError::Text);
        }
        metadata.insert(key.to_owned(), value.to_owned());
    }
    if before - reader.rest().len() > MAX_METADATA {
        return Err(WireError::Text);
    }
    Ok(metadata)
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    varint::put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, metadata: &[(&str, &str)]) -> MemberRecord {
        let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let id = NodeId { name: NodeName::new(name).unwrap(), incarnation: 1 << 40 };
        MemberRecord { id, has_left: false, address: Some("host:9100".into()), metadata }
    }

    fn read(bytes: &[u8]) -> Result<Announcement, WireError> {
        Announcement::read(Reader::new(bytes))
    }

    #[test]
    fn an_announcement_is_read_as_it_was_written() {
        let left = MemberRecord { has_left: true, address: None, ..record("b@two", &[]) };
        let records = vec![record("a@one", &[("role", "web"), ("zone", "")]), left];
        for announcement in [
            Announcement::Members(records),
            Announcement::Members(Vec::new()),
            Announcement::Digest { value: u64::MAX - 7, is_question: true },
            Announcement::Digest { value: 7, is_question: false },
            Announcement::Parted,
            Announcement::Idle,
            Announcement::IdleHere,
            Announcement::InUse,
            Announcement::Unknown,
        ] {
            let mut bytes = Vec::new();
            announcement.write(&mut bytes);
            assert_eq!(read(&bytes), Ok(announcement.clone()));
            if announcement != Announcement::Unknown {
                bytes.push(0);
                assert!(read(&bytes).is_err(), "{announcement:?} and one more byte");
            }
        }
    }

    #[test]
    fn the_fields_of_a_later_version_are_skipped() {
        let mut inner = Vec::new();
        record("a@one", &[("role", "web")]).write(&mut inner);
        inner.extend(b"later");
        let mut bytes = vec![MEMBERS];
        varint::put(&mut bytes, inner.len() as u64);
        bytes.extend(inner);
        assert_eq!(read(&bytes), Ok(Announcement::Members(vec![record("a@one", &[("role", "web")])])));
        assert_eq!(read(&[77, 1, 2, 3]), Ok(Announcement::Unknown));
    }

    #[test]
    fn metadata_is_bounded() {
        let long = "v".repeat(MAX_VALUE);
        let of = |count: usize, value: &str| -> Metadata {
            (0..count).map(|number| (format!("{number:02}"), value.to_owned())).collect()
        };
        for (metadata, is_valid) in [
            (of(0, ""), true),
            (of(16, "v"), true),
            (of(17, "v"), false),
            (of(2, &long), true),
            (of(3, &long), false),
            (Metadata::from([(String::new(), "v".into())]), false),
            (Metadata::from([("k".repeat(MAX_KEY + 1), "v".into())]), false),
            (Metadata::from([("k".into(), "v".repeat(MAX_VALUE + 1))]), false),
        ] {
            assert_eq!(is_valid_metadata(&metadata), is_valid, "{metadata:?}");
        }
    }

    #[test]
    fn many_members_are_announced_in_parts() {
        let records: Vec<_> = (0..1000).map(|number| record(&format!("n{number}@host"), &[])).collect();
        let parts = Announcement::of_members(records.clone());
        let mut read = Vec::new();
        for part in &parts {
            let mut bytes = Vec::new();
            part.write(&mut bytes);
            assert!(bytes.len() < 2 * MAX_RECORDS);
            let Announcement::Members(records) = part else { panic!("{part:?}") };
            read.extend(records.clone());
        }
        assert!(parts.len() > 1);
        assert_eq!(read, records);
        assert_eq!(Announcement::of_members(Vec::new()), []);
    }
}
