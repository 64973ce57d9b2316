//! The analytics: who talks how much, since this process began.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::line::{Entry, Nick, Room};
use crate::log::LogRef;

/// So many rooms are counted, and in each so many names one by one; whoever comes later counts for the room only.
const MOST_ROOMS: usize = 1000;
const MOST_NICKS: usize = 10_000;
/// So many of them are told.
const TOP: usize = 5;

/// Counts lines.
#[actor(name = "analytics", trap_exit)]
#[derive(Default)]
pub(crate) struct Analytics {
    rooms: BTreeMap<Room, Count>,
}

#[derive(Default)]
struct Count {
    lines: u64,
    nicks: HashMap<Nick, u64>,
}

/// How much was said in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Talk {
    pub(crate) room: Room,
    pub(crate) lines: u64,
    /// Those who said most, and how many lines.
    pub(crate) most: Vec<(Nick, u64)>,
}

#[actor]
impl Analytics {
    /// Counts lines that were said.
    #[cast]
    pub(crate) fn said(&mut self, entries: Arc<[Entry]>) {
        for Entry { line, .. } in entries.iter() {
            if self.rooms.len() >= MOST_ROOMS && !self.rooms.contains_key(&line.room) {
                continue;
            }
            let count = self.rooms.entry(line.room.clone()).or_default();
            count.lines += 1;
            if let Some(lines) = count.nicks.get_mut(&line.nick) {
                *lines += 1;
            } else if count.nicks.len() < MOST_NICKS {
                count.nicks.insert(line.nick.clone(), 1);
            }
        }
    }

    /// How much was said, room by room.
    #[call]
    pub(crate) fn talk(&self) -> Vec<Talk> {
        let talk = |(room, count): (&Room, &Count)| {
            let mut most: Vec<(Nick, u64)> = count.nicks.iter().map(|(nick, lines)| (nick.clone(), *lines)).collect();
            most.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            most.truncate(TOP);
            Talk { room: room.clone(), lines: count.lines, most }
        };
        self.rooms.iter().map(talk).collect()
    }
    #[terminate]
    fn close(&self) {
        LogRef::named("log").note("analytics: closed".to_owned());
    }
}
