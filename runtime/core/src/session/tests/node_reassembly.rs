//! The bytes of incomplete frames on all connections of a node.

use std::task::Waker;

use super::*;
use crate::counting::kept_bytes;
use crate::session::lanes::FIRST;

/// The limits of the node that receives.
fn limits() -> Limits {
    Limits { frame: 2 << 20, reassembly: 4 << 20, node_reassembly: 16 << 20, ..Limits::default() }
}

/// A connection whose listener shares `budget` with others, and is up.
fn connection(budget: &ReassemblyBudget) -> Pair {
    let listener = Config { limits: limits(), reassembly: budget.clone(), ..config("b@x", Role::Listener) };
    let mut pair = Pair::of(config("a@x", Role::Dialler), listener);
    pair.run();
    assert!(pair.listener.is_up());
    pair
}

impl Pair {
    /// The dialler sends one piece of 16 KiB of a frame that it never completes.
    fn send_piece(&mut self, lane: u64, first: bool) -> Result<(), SessionError> {
        let mut record = vec![if first { FIRST } else { 0 }];
        varint::put(&mut record, lane);
        varint::put(&mut record, 16 << 10);
        record.resize(record.len() + (16 << 10), 7);
        let mut bytes = Vec::new();
        self.dialler.cipher().seal(&record, &mut bytes).unwrap();
        self.listener.receive(self.now, &bytes);
        self.listener.result.clone()
    }

    /// Does the step of the driver of the listener when it is woken.
    fn check_budget(&mut self) -> Result<(), SessionError> {
        self.listener.session.check_budget(Waker::noop())
    }
}

#[test]
fn twenty_members_with_incomplete_frames_stay_within_the_budget_of_the_node() {
    let budget = limits().reassembly_budget();
    let mut members: Vec<Pair> = (0..20).map(|_| connection(&budget)).collect();
    let mut served = connection(&budget);
    let (before, mut most) = (kept_bytes(), 0);
    let mut ended = 0;
    for round in 0..200 {
        let mut index = 0;
        while let Some(member) = members.get_mut(index) {
            // Two lanes with a frame each, 3.2 MB together.
            let sent = member.send_piece(round % 2, round < 2);
            assert!(budget.used() <= limits().node_reassembly);
            let limit = limits().node_reassembly;
            match sent.and_then(|()| member.check_budget()) {
                Ok(()) => index += 1,
                Err(error) => {
                    assert_eq!(error, SessionError::TooManyNodeBytes { limit });
                    ended += 1;
                    drop(members.remove(index));
                }
            }
        }
        if round % 20 == 0 {
            let frame = message(round, 1 << 20);
            served.dialler.session.send_frame(1, &frame).unwrap();
            served.run();
            assert_eq!(served.listener.frames().last(), Some(&&frame), "round {round}");
            served.listener.events.clear();
        }
        most = most.max(kept_bytes() - before);
    }
    println!("{most} bytes at most, {ended} of 20 connections ended, {} bytes remain", budget.used());
    // A vector may have twice the capacity that it needs.
    assert!(most < 2 * limits().node_reassembly as isize + (4 << 20), "{most} bytes");
    assert!((10..=16).contains(&ended), "{ended}");
    assert_eq!((served.check_budget(), served.listener.result.clone()), (Ok(()), Ok(())));
    drop(members);
    assert_eq!(budget.used(), 0);
}

#[test]
fn the_budget_of_the_node_is_unused_however_a_connection_ends() {
    let ends: [fn(&mut Pair); 5] = [
        |_| {},
        |pair| {
            pair.now += Duration::from_secs(61);
            assert!(matches!(pair.listener.session.handle_timeout(pair.now), Err(SessionError::Silent { .. })));
        },
        |pair| assert!(pair.listener.session.handle_bytes(pair.now, &[0, 17, 1, 2]).is_ok()),
        |pair| {
            // The second frame of a lane.
            assert!(matches!(pair.send_piece(1, true), Err(SessionError::Record(_))));
        },
        |pair| pair.listener.session.close(pair.now),
    ];
    for end in ends {
        let budget = limits().reassembly_budget();
        let mut pair = connection(&budget);
        for round in 0..10 {
            pair.send_piece(1, round == 0).unwrap();
        }
        assert_eq!(budget.used(), 10 * (16 << 10));
        end(&mut pair);
        if let State::Over(_) = pair.listener.session.state {
            assert_eq!(budget.used(), 0, "at the end of the session");
        }
        drop(pair);
        assert_eq!(budget.used(), 0);
    }
}
