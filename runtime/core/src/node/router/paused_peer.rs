//! A paused connection, as the predecessor of a node hands it over to the successor.

use std::mem;

use crate::base::{MonitorRef, NodeId};
use crate::session::Tokens;
use crate::signal::KeptRelation;
use crate::wire::{Epoch, Metadata};

/// The peer of a paused connection, and everything that outlasts the process of the operating system.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct PausedPeer {
    pub(crate) id: NodeId,
    /// The epoch of the relations and the calls of the connection.
    pub(crate) epoch: Epoch,
    pub(crate) tokens: Tokens,
    /// The address at which the peer may be dialled.
    pub(crate) address: Option<String>,
    pub(crate) metadata: Metadata,
    /// The code of the connections that the peer opens.
    pub(crate) mesh: u64,
    /// The relations of this node's processes with those of the peer.
    pub(crate) relations: Vec<KeptRelation>,
    /// The processes that the peer's monitors on names were attached to: the watcher, the monitor and the process.
    pub(crate) resolved: Vec<(u64, MonitorRef, u64)>,
    /// The definitions of the names in the frames.
    pub(crate) definitions: Vec<Vec<u8>>,
    /// The bytes of the frames that wait to be sent.
    pub(crate) frames: Vec<u8>,
}

/// The most bytes of frames in one part, and less than the most definitions, of some 32 KiB each.
const BYTES: usize = 256 * 1024;
const DEFINITIONS: usize = 8;
/// The most entries of each list in one part: some hundred KB with long names.
const PART: usize = 2048;

impl PausedPeer {
    /// Divides the record into parts of a bounded size. The first one has no entries, and the others have nothing else.
    pub(crate) fn into_parts(mut self) -> Vec<PausedPeer> {
        let mut relations = mem::take(&mut self.relations).into_iter();
        let mut resolved = mem::take(&mut self.resolved).into_iter();
        let mut definitions = mem::take(&mut self.definitions).into_iter();
        let frames = mem::take(&mut self.frames);
        let mut frames = frames.chunks(BYTES);
        let mut parts = vec![self.clone()];
        self.metadata.clear();
        loop {
            let part = PausedPeer {
                relations: relations.by_ref().take(PART).collect(),
                resolved: resolved.by_ref().take(PART).collect(),
                definitions: definitions.by_ref().take(DEFINITIONS).collect(),
                frames: frames.next().unwrap_or_default().to_vec(),
                ..self.clone()
            };
            if part == self {
                return parts;
            }
            parts.push(part);
        }
    }

    /// Adds a part, or begins the record with it.
    pub(crate) fn add_part(peers: &mut Vec<PausedPeer>, part: PausedPeer) {
        match peers.last_mut().filter(|last| last.epoch == part.epoch) {
            Some(last) => {
                last.relations.extend(part.relations);
                last.resolved.extend(part.resolved);
                last.definitions.extend(part.definitions);
                last.frames.extend(part.frames);
            }
            None => peers.push(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_many_entries_is_divided() {
        let entries = PART as u64 * 2 + 1;
        let peer = PausedPeer {
            id: NodeId::local(1),
            epoch: Epoch(3),
            tokens: Tokens::default(),
            address: Some("10.0.0.1:9100".to_owned()),
            metadata: Metadata::from([("zone".to_owned(), "north".to_owned())]),
            mesh: 0,
            relations: (0..entries).map(|number| KeptRelation::link(number, number)).collect(),
            resolved: vec![(1, MonitorRef(2), 3)],
            definitions: (0..20).map(|number| vec![number]).collect(),
            frames: (0..=u8::MAX).cycle().take(3 * BYTES + 1).collect(),
        };
        let mut peers = Vec::new();
        let parts = peer.clone().into_parts();
        assert_eq!(parts.len(), 1 + 4);
        parts.into_iter().for_each(|part| PausedPeer::add_part(&mut peers, part));
        assert_eq!(peers, [peer]);
    }
}
