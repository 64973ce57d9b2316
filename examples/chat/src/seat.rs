//! A guest's seat in a room: what it takes to hear every line once, in order, whatever crashes.
//!
//! Lines are numbered by the database, so a guest knows what it has heard and what is missing. It watches the
//! rooms: when they end, or their node is lost, it joins again, and then asks the database for what was written
//! meanwhile. It does so from time to time even if nothing seems wrong; that costs next to nothing, and mends
//! whatever went missing on the way.
//!
//! Invariant: `heard` grows by one line at a time, so none is missed and none comes twice.

use std::sync::Arc;

use greenroom::prelude::*;

use crate::line::{Entry, Nick, Room};
use crate::services::Services;

/// What someone in a room understands.
#[protocol]
pub(crate) enum Guest {
    /// Lines of the room were written.
    Heard { entries: Arc<[Entry]> },
    /// Somebody came.
    Came { nick: Nick },
    /// Somebody left.
    Left { nick: Nick },
    /// It is time to join again and to see whether something was missed.
    Look,
    /// The rooms have ended, or their node is lost.
    #[from]
    Down(Down),
    /// A node has come or gone: perhaps the one with the rooms.
    #[from]
    Node(NodeEvent),
    /// It is time to go.
    #[from]
    Exit(ExitSignal),
}

/// How soon a crashed room is tried again, and how often one that is well, or cut off, is looked after.
const SOON: Duration = Duration::from_millis(100);
const LATER: Duration = Duration::from_secs(15);

/// A place in a room.
pub(crate) struct Seat {
    pub(crate) room: Room,
    pub(crate) nick: Nick,
    services: Services,
    /// The number of the last line that was heard.
    heard: Option<u64>,
    watch: Option<MonitorRef>,
    /// Whether the room has taken it in, as far as is known.
    pub(crate) joined: bool,
    timer: Option<Timer>,
}

impl Seat {
    /// A seat for someone who has heard the room's lines up to `heard`; without it, the last few will do.
    pub(crate) fn new(room: Room, nick: Nick, heard: Option<u64>, services: Services) -> Seat {
        Seat { room, nick, services, heard, watch: None, joined: false, timer: None }
    }

    /// Joins the room, or joins it again; says who is there. Whatever comes of it, there will be another
    /// [`Guest::Look`].
    pub(crate) async fn take<A>(&mut self, cx: &mut Context<A>) -> Result<Vec<Nick>, CallError>
    where
        A: Process<Protocol = Guest>,
    {
        if let Some(watch) = self.watch.take() {
            cx.demonitor(watch);
        }
        // Watched first: should the rooms end in between, that is noticed.
        self.watch = Some(cx.monitor(&self.services.rooms));
        let joined = self.services.rooms.join(self.room.clone(), self.nick.clone(), cx.me()).await;
        self.joined = joined.is_ok();
        match &joined {
            // A connection that is up again is told.
            Ok(_) | Err(CallError::NoConnection) => self.look_in(cx, LATER),
            Err(_) => self.look_in(cx, SOON),
        }
        joined
    }

    /// Whether the seat is lost by this. Then, and if it has not been found again yet, there will be a
    /// [`Guest::Look`] soon.
    pub(crate) fn is_lost<A>(&mut self, cx: &Context<A>, down: &Down) -> bool
    where
        A: Process<Protocol = Guest>,
    {
        if self.watch != Some(down.monitor) {
            return false;
        }
        self.watch = None;
        self.look_in(cx, if down.reason == Exit::NoConnection { LATER } else { SOON });
        std::mem::take(&mut self.joined)
    }

    fn look_in<A: Process<Protocol = Guest>>(&mut self, cx: &Context<A>, delay: Duration) {
        if let Some(timer) = self.timer.replace(cx.send_after(delay, Guest::Look)) {
            timer.cancel();
        }
    }

    /// Those of the told lines that are new; `None` if others before them are [missing](Seat::missing).
    pub(crate) fn hear(&mut self, told: &[Entry]) -> Option<Vec<Entry>> {
        let mut heard = self.heard?;
        let mut new = Vec::new();
        // What was said in a room that this guest has left may still be on its way.
        for entry in told.iter().filter(|entry| entry.line.room == self.room) {
            // A browser may claim to have heard anything.
            let next = heard.saturating_add(1);
            if entry.number > next {
                return None;
            }
            if entry.number == next {
                heard = entry.number;
                new.push(entry.clone());
            }
        }
        self.heard = Some(heard);
        Some(new)
    }

    /// The next page of lines that were written and not heard; empty when nothing is missing.
    pub(crate) async fn missing(&mut self) -> Result<Vec<Entry>, CallError> {
        let page = self.services.database.page(self.room.clone(), self.heard).await?;
        self.heard = Some(page.last().map_or(self.heard.unwrap_or(0), |entry| entry.number));
        Ok(page)
    }

    /// Leaves the room.
    pub(crate) fn leave<A: Process<Protocol = Guest>>(mut self, cx: &mut Context<A>) {
        if let Some(watch) = self.watch.take() {
            cx.demonitor(watch);
        }
        if let Some(timer) = self.timer.take() {
            timer.cancel();
        }
        self.services.rooms.leave(cx.me());
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
    async fn each_line_is_heard_once_and_a_gap_is_noticed() {
        let services = Services::of(&Node::current(), Node::current().name());
        let heard = Some(3);
        let mut seat = Seat::new(Text::new("lobby").unwrap(), Text::new("bob").unwrap(), heard, services);
        let mut check = |told: &[u64], expected: Option<&[u64]>| {
            let told: Vec<Entry> = told.iter().copied().map(entry).collect();
            let new = seat.hear(&told).map(|new| new.iter().map(|entry| entry.number).collect::<Vec<_>>());
            assert_eq!(new.as_deref(), expected, "told {told:?}");
        };
        check(&[4, 5], Some(&[4, 5]));
        check(&[2, 4, 5, 6], Some(&[6]));
        check(&[8], None);
        check(&[7, 9], None);
        check(&[7], Some(&[7]));
        check(&[], Some(&[]));
    }
}
