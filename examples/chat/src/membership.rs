//! The membership of a room: receives every line of the room once, in order, also after crashes.
//!
//! The lines of a room are numbered, so a member can detect a gap. It monitors the rooms process of its node. When that
//! process ends, the member joins again and then requests the missing lines from the database. It does so periodically
//! as well, at little cost, to recover lines that were lost in transit.
//!
//! The numbers are the same on all nodes. So a person who connects to another node continues there with the next line.
//!
//! Invariant: `last_seen` advances by one line at a time, so no line is skipped and no line is shown twice.

use std::sync::Arc;

use greenroom::prelude::*;

use crate::history::store::{Head, Page};
use crate::line::{Entry, Nick, Room};
use crate::presence::People;
use crate::services::Services;

/// The messages to a member of a room.
#[protocol]
#[allow(clippy::enum_variant_names, reason = "the page uses these names of events")]
pub(crate) enum Member {
    /// New lines of the room are written.
    Lines { entries: Arc<[Entry]> },
    /// A person joined the room.
    MemberJoined { nick: Nick },
    /// A person left the room.
    MemberLeft { nick: Nick },
    /// A person in the room is writing.
    Typing { nick: Nick },
    /// Rooms have new lines, up to these numbers.
    Heads { heads: Arc<[Head]> },
    /// A timer's request to join again and to fetch missing lines.
    Refresh,
    /// The rooms process ended.
    #[from]
    Down(Down),
    /// A node connected or disconnected.
    #[from]
    Node(NodeEvent),
    /// A request to stop.
    #[from]
    Exit(ExitSignal),
}

/// The delay before joining again after a crash, and the period of refreshes otherwise.
const RETRY_DELAY: Duration = Duration::from_millis(100);
const REFRESH_PERIOD: Duration = Duration::from_secs(15);

/// A member's state in one room.
pub(crate) struct Membership {
    pub(crate) room: Room,
    pub(crate) nick: Nick,
    services: Services,
    /// The number of the last line that was received.
    last_seen: Option<u64>,
    monitor: Option<MonitorRef>,
    /// Set while the last join succeeded and no `Down` has followed.
    pub(crate) joined: bool,
    timer: Option<Timer>,
}

impl Membership {
    /// Creates the membership of a person who has seen the room's lines up to `last_seen`. `None` starts with the
    /// last page.
    pub(crate) fn new(room: Room, nick: Nick, last_seen: Option<u64>, services: Services) -> Membership {
        Membership { room, nick, services, last_seen, monitor: None, joined: false, timer: None }
    }

    /// Joins the room, for the first time or again, and returns its people. Schedules another [`Member::Refresh`] in
    /// each case.
    pub(crate) async fn join<A>(&mut self, cx: &mut Context<A>) -> Result<People, CallError>
    where
        A: Process<Protocol = Member>,
    {
        if let Some(monitor) = self.monitor.take() {
            cx.demonitor(monitor);
        }
        // Monitored before the join, so that an end in between is noticed.
        self.monitor = Some(cx.monitor(&self.services.rooms()));
        let joined = self.services.rooms().join(self.room.clone(), self.nick.clone(), cx.me()).await;
        self.joined = joined.is_ok();
        self.refresh_after(cx, if self.joined { REFRESH_PERIOD } else { RETRY_DELAY });
        joined
    }

    /// Returns whether this `Down` ends the membership, and then schedules a [`Member::Refresh`].
    pub(crate) fn handle_down<A>(&mut self, cx: &Context<A>, down: &Down) -> bool
    where
        A: Process<Protocol = Member>,
    {
        if self.monitor != Some(down.monitor) {
            return false;
        }
        self.monitor = None;
        self.refresh_after(cx, RETRY_DELAY);
        std::mem::take(&mut self.joined)
    }

    fn refresh_after<A: Process<Protocol = Member>>(&mut self, cx: &Context<A>, delay: Duration) {
        if let Some(timer) = self.timer.replace(cx.send_after(delay, Member::Refresh)) {
            timer.cancel();
        }
    }

    /// Returns the new ones of the received lines, or `None` if lines before them are missing.
    /// [`Membership::next_page`] fetches those.
    pub(crate) fn accept(&mut self, entries: &[Entry]) -> Option<Vec<Entry>> {
        let mut last_seen = self.last_seen?;
        let mut new = Vec::new();
        // Lines of a room that this member has left may still arrive.
        for entry in entries.iter().filter(|entry| entry.line.room == self.room) {
            // A browser may send any number.
            let next = last_seen.saturating_add(1);
            if entry.number > next {
                return None;
            }
            if entry.number == next {
                last_seen = entry.number;
                new.push(entry.clone());
            }
        }
        self.last_seen = Some(last_seen);
        Some(new)
    }

    /// Fetches the next page of lines that were written and not received. It is empty when no line is missing.
    pub(crate) async fn next_page(&mut self) -> Result<Vec<Entry>, CallError> {
        let wanted = self.last_seen.map_or(Page::Last, Page::After);
        let page = self.services.database().page(self.room.clone(), wanted).await?;
        self.last_seen = Some(page.last().map_or(self.last_seen.unwrap_or(0), |entry| entry.number));
        Ok(page)
    }

    /// Leaves the room.
    pub(crate) fn leave<A: Process<Protocol = Member>>(mut self, cx: &mut Context<A>) {
        if let Some(monitor) = self.monitor.take() {
            cx.demonitor(monitor);
        }
        if let Some(timer) = self.timer.take() {
            timer.cancel();
        }
        self.services.rooms().leave(cx.me());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;
    use crate::text::Text;

    fn entry(number: u64) -> Entry {
        let line = Line {
            room: Text::new("lobby").unwrap(),
            id: Text::new(&number.to_string()).unwrap(),
            nick: Text::new("ann").unwrap(),
            words: Text::new("hm").unwrap(),
        };
        Entry { number, at: 0, line }
    }

    #[greenroom::test]
    async fn each_line_is_accepted_once_and_a_gap_is_detected() {
        let services = Services::of(&Node::current());
        let last_seen = Some(3);
        let mut membership =
            Membership::new(Text::new("lobby").unwrap(), Text::new("bob").unwrap(), last_seen, services);
        let mut check = |numbers: &[u64], expected: Option<&[u64]>| {
            let entries: Vec<Entry> = numbers.iter().copied().map(entry).collect();
            let new = membership.accept(&entries).map(|new| new.iter().map(|entry| entry.number).collect::<Vec<_>>());
            assert_eq!(new.as_deref(), expected, "numbers {numbers:?}");
        };
        check(&[4, 5], Some(&[4, 5]));
        check(&[2, 4, 5, 6], Some(&[6]));
        check(&[8], None);
        check(&[7, 9], None);
        check(&[7], Some(&[7]));
        check(&[], Some(&[]));
    }
}
