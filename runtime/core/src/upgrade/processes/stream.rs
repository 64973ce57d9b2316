//! The processes of a node as bytes, in parts of bounded size.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | the length of the item, least byte first |
//! | length | the item as postcard |

use serde::{Deserialize, Serialize};

use crate::node::{DefinitionRecord, Node, ProcessRecord};

/// The size from which on a part is complete.
const PART: usize = 256 * 1024;

/// A part of what is handed over.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::upgrade) enum Item {
    /// The definition of a protocol whose messages follow.
    Definition(DefinitionRecord),
    Process(Box<ProcessRecord>),
    /// The processes and children that other nodes can reach.
    Exported(Vec<u64>),
    /// The claims of the node, as its registry writes them.
    Claims(Vec<u8>),
}

/// Writes items to parts.
#[derive(Default)]
pub(in crate::upgrade) struct Writer(Vec<u8>);

/// Reads items of parts.
#[derive(Default)]
pub(in crate::upgrade) struct Reader(Vec<u8>);

impl Item {
    /// Gives the item to the node that takes over.
    pub(in crate::upgrade) fn give_to(self, node: &Node) {
        let handed_over = node.handed_over_or_default();
        match self {
            Item::Definition(definition) => handed_over.add_definition(definition),
            Item::Process(process) => handed_over.add(*process),
            Item::Exported(numbers) => handed_over.add_exported(numbers),
            Item::Claims(claims) => handed_over.add_claims(claims),
        }
    }
}

impl Writer {
    /// Adds an item. Returns the parts that are complete.
    pub(in crate::upgrade) fn push(&mut self, item: &Item) -> Result<Vec<Vec<u8>>, String> {
        let start = self.0.len();
        self.0.extend([0; 4]);
        self.0 = postcard::to_extend(item, std::mem::take(&mut self.0)).map_err(|error| error.to_string())?;
        let length = u32::try_from(self.0.len() - start - 4).map_err(|_| "an item has more than 4 GiB")?;
        self.0[start..start + 4].copy_from_slice(&length.to_le_bytes());
        if self.0.len() < PART {
            return Ok(Vec::new());
        }
        let rest = self.0.len() % PART;
        let complete = self.0.len() - rest;
        let parts = self.0[..complete].chunks(PART).map(<[u8]>::to_vec).collect();
        self.0.drain(..complete);
        Ok(parts)
    }

    /// Returns the last part, which may be empty.
    pub(in crate::upgrade) fn finish(self) -> Vec<u8> {
        self.0
    }
}

impl Reader {
    /// Adds a part. Returns the items that are complete.
    ///
    /// # Errors
    /// The bytes are not items.
    pub(in crate::upgrade) fn push(&mut self, part: &[u8]) -> Result<Vec<Item>, String> {
        self.0.extend_from_slice(part);
        let (mut items, mut at) = (Vec::new(), 0);
        while let Some((header, rest)) = self.0[at..].split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*header) as usize;
            let Some(item) = rest.get(..length) else { break };
            items.push(postcard::from_bytes(item).map_err(|error| format!("a process cannot be read: {error}"))?);
            at += 4 + length;
        }
        self.0.drain(..at);
        Ok(items)
    }
}
