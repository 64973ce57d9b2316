//! Two sides that pause, resume and send at random over two channels, each in its own order.

use std::collections::{BTreeSet, VecDeque};

use super::*;
use crate::sched::Rng;

#[derive(Default)]
struct Side {
    pause: Pause,
    /// Frames that the session has taken, and not sent.
    taken: u64,
    /// Frames that were sent and received so far.
    sent: u64,
    received: u64,
    /// The chunks and frames on their way from this side: `None` is a frame.
    way: VecDeque<Option<Chunk>>,
}

impl Side {
    /// Sends the next thing, if there is one.
    fn send(&mut self) -> bool {
        if let Some(chunk) = self.pause.next_chunk(self.taken == 0) {
            self.way.push_back(Some(chunk));
        } else if self.taken > 0 {
            self.taken -= 1;
            self.sent += 1;
            self.way.push_back(None);
        } else {
            return false;
        }
        true
    }

    /// Receives the next thing from the other side, if there is one.
    fn receive(&mut self, from: &mut Side) -> bool {
        match from.way.pop_front() {
            Some(Some(chunk)) => self.pause.receive(chunk),
            Some(None) => self.received += 1,
            None => return false,
        }
        true
    }
}

/// A side that is agreed may end the connection: the other one is quiet, has a token in common, and no frame is under way.
fn check(sides: &[Side; 2], seed: u64) {
    for (one, other) in [(0, 1), (1, 0)] {
        let (this, peer) = (&sides[one], &sides[other]);
        if !this.pause.status().is_agreed {
            continue;
        }
        let status = peer.pause.status();
        assert!(status.is_quiet && status.tokens.has_common(this.pause.tokens), "seed {seed}: {status:?}");
        assert_eq!((this.sent, this.taken), (peer.received, 0), "seed {seed}: frames of the node that pauses");
        assert_eq!((peer.sent, peer.taken), (this.received, 0), "seed {seed}: frames of its peer");
    }
}

#[test]
fn nothing_is_under_way_once_a_pause_is_agreed_and_each_pause_comes_to_that() {
    let mut reached = BTreeSet::new();
    for seed in 0..20_000 {
        let rng = Rng::seeded(seed);
        let mut sides = [Side::default(), Side::default()];
        for step in 0..60 {
            let at = rng.below(2) as usize;
            let [first, second] = &mut sides;
            let (side, other) = if at == 0 { (first, second) } else { (second, first) };
            match rng.below(10) {
                0 if side.pause.tokens.own.is_none() => side.pause.begin(Token([(step * 2 + at as u64) as u8; 16])),
                1 => side.pause.end(),
                2 | 3 if !side.pause.is_stopped() => side.taken += 1,
                4..=6 => drop(side.send()),
                _ => drop(side.receive(other)),
            }
            check(&sides, seed);
        }
        // All that is under way arrives.
        loop {
            let [first, second] = &mut sides;
            let has_moved = [first.send(), second.send(), first.receive(second), second.receive(first)];
            check(&sides, seed);
            if has_moved == [false; 4] {
                break;
            }
        }
        let wants = [0, 1].map(|at| sides[at].pause.tokens.own.is_some());
        for at in [0, 1] {
            let status = sides[at].pause.status();
            assert_eq!(status.is_agreed, wants[at], "seed {seed}: each pause is agreed in the end");
            assert_eq!(status.is_stopped(), wants != [false; 2], "seed {seed}");
            assert_eq!(status.is_quiet, wants != [false; 2], "seed {seed}");
        }
        reached.insert(wants);
    }
    assert_eq!(reached.len(), 4, "no pause, one, and both");
}

#[test]
fn a_chunk_is_read_as_it_was_put() {
    let token = Token([7; 16]);
    for chunk in [
        Chunk::Pause(token),
        Chunk::Drain(Drain { acknowledged: Some(token), has_seen: true }),
        Chunk::Drain(Drain { acknowledged: None, has_seen: false }),
        Chunk::Resume,
    ] {
        let mut record = Vec::new();
        chunk.put(&mut record);
        assert!(record.len() <= MOST);
        assert_eq!(usize::from(record[1]), record.len() - 2);
        assert_eq!(Chunk::read(record[0], &record[2..]), Some(chunk));
    }
    for (kind, bytes) in [(PAUSE, &[7; 15][..]), (DRAIN, &[]), (DRAIN, &[2]), (DRAIN, &[1, 7]), (RESUME, &[0])] {
        assert_eq!(Chunk::read(kind, bytes), None, "{kind} {bytes:?}");
    }
}
