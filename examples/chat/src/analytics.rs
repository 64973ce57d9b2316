//! The analytics process: counts the lines of each room and of each speaker since this process started.

use std::collections::{BTreeMap, HashMap};

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::history::subscription::{Published, Subscription};
use crate::line::{Entry, Nick, Room, now};
use crate::services::Services;

/// The number of rooms that are counted, and of nicks that are counted in each room. Lines of further nicks count for
/// the room only.
const MAX_ROOMS: usize = 1000;
const MAX_NICKS: usize = 10_000;
/// The number of speakers in a room's statistics.
const TOP_SPEAKERS: usize = 5;
/// The number of minutes in a room's statistics, and the length of one in milliseconds.
const MINUTES: usize = 60;
const MINUTE: u64 = 60_000;

/// Counts lines.
#[actor(name = "analytics", trap_exit)]
pub(crate) struct Analytics {
    services: Services,
    subscription: Subscription,
    rooms: BTreeMap<Room, Count>,
}

#[derive(Default)]
struct Count {
    lines: u64,
    nicks: HashMap<Nick, u64>,
    /// The lines of the last minutes with any, by minute.
    minutes: BTreeMap<u64, u64>,
}

/// The statistics of one room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoomStats {
    pub(crate) room: Room,
    pub(crate) lines: u64,
    /// The nicks with most lines, and the number of their lines.
    pub(crate) top: Vec<(Nick, u64)>,
    /// The number of lines in each of the last minutes, the current one last.
    pub(crate) minutes: Vec<u64>,
}

#[actor]
impl Analytics {
    #[init]
    pub(crate) fn open(services: Services, cx: &mut Context<Self>) -> Analytics {
        let mut analytics = Analytics { services, subscription: Subscription::new(), rooms: BTreeMap::new() };
        analytics.subscribe(cx);
        analytics
    }

    #[every("100ms")]
    fn subscribe(&mut self, cx: &mut Context<Self>) {
        self.subscription.renew(cx, &self.services);
    }

    #[down]
    fn database_ended(&mut self, down: Down) {
        self.subscription.handle_down(&down);
    }

    /// Counts acknowledged lines.
    #[from]
    fn record(&mut self, lines: Published) {
        for Entry { line, at, .. } in self.subscription.accept(lines).iter() {
            if self.rooms.len() >= MAX_ROOMS && !self.rooms.contains_key(&line.room) {
                continue;
            }
            let count = self.rooms.entry(line.room.clone()).or_default();
            count.lines += 1;
            *count.minutes.entry(at / MINUTE).or_default() += 1;
            if count.minutes.len() > MINUTES {
                count.minutes.pop_first();
            }
            if let Some(lines) = count.nicks.get_mut(&line.nick) {
                *lines += 1;
            } else if count.nicks.len() < MAX_NICKS {
                count.nicks.insert(line.nick.clone(), 1);
            }
        }
    }

    /// Returns the statistics of each room.
    #[call]
    pub(crate) fn stats(&self) -> Vec<RoomStats> {
        let this_minute = now() / MINUTE;
        let stats = |(room, count): (&Room, &Count)| {
            let mut top: Vec<(Nick, u64)> = count.nicks.iter().map(|(nick, lines)| (nick.clone(), *lines)).collect();
            top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            top.truncate(TOP_SPEAKERS);
            let minutes = (this_minute.saturating_sub(MINUTES as u64 - 1)..=this_minute)
                .map(|minute| count.minutes.get(&minute).copied().unwrap_or(0))
                .collect();
            RoomStats { room: room.clone(), lines: count.lines, top, minutes }
        };
        self.rooms.iter().map(stats).collect()
    }

    #[terminate]
    fn close(&self) {
        self.services.note("analytics: closed");
    }
}
