//! Pauses between two sessions, and the tokens of their admissions.

use super::*;
use crate::session::PauseStatus;

const TOKENS: [Token; 3] = [Token([1; 16]), Token([2; 16]), Token([3; 16])];

fn statuses(side: &mut Side) -> Vec<PauseStatus> {
    side.session.poll_event().into_iter().for_each(|event| side.events.push(event));
    let all = mem::take(&mut side.events).into_iter();
    all.filter_map(|event| if let Event::Pause(status) = event { Some(status) } else { None }).collect()
}

#[test]
fn frames_that_were_taken_precede_the_end_of_a_pause() {
    let mut pair = Pair::up();
    let large = message(1, 1 << 20);
    pair.listener.session.send_frame(1, &large).unwrap();
    pair.dialler.session.send_frame(1, &message(2, 10)).unwrap();
    pair.dialler.session.pause(TOKENS[0]);
    pair.run();
    let (own, peer) = (Some(TOKENS[0]), None);
    let status = *statuses(&mut pair.dialler).last().unwrap();
    let tokens = Tokens { own, peer };
    assert_eq!(status, PauseStatus { tokens, is_quiet: true, is_agreed: true, can_pause: true });
    assert_eq!(pair.listener.frames(), [&message(2, 10)]);
    let status = *statuses(&mut pair.listener).last().unwrap();
    let tokens = Tokens { own: peer, peer: own };
    assert_eq!(status, PauseStatus { tokens, is_quiet: true, is_agreed: false, can_pause: true });
    assert!(!pair.listener.session.is_flowing());
    pair.dialler.session.resume();
    pair.run();
    assert!(pair.listener.session.is_flowing() && pair.dialler.session.is_flowing());
}

#[test]
fn a_peer_of_an_earlier_version_is_not_paused() {
    let mut pair = Pair::up();
    pair.dialler.session.pause.set_can_pause(false);
    pair.dialler.session.pause(TOKENS[0]);
    pair.run();
    assert_eq!(statuses(&mut pair.dialler), [PauseStatus::default()]);
    assert!(pair.dialler.session.is_flowing() && pair.listener.session.is_flowing());
}

#[test]
fn a_connection_is_continued_if_the_two_nodes_have_a_token_in_common() {
    let [one, two, three] = TOKENS.map(Some);
    for (dialler, listener, is_continued) in [
        ((None, None), (None, None), false),
        ((one, None), (None, None), false),
        ((None, None), (None, one), false),
        ((one, None), (None, one), true),
        ((one, None), (two, one), true),
        ((one, two), (two, one), true),
        ((one, two), (three, None), false),
    ] {
        let mut pair = Pair::new();
        let [of_dialler, of_listener] = [dialler, listener].map(|(own, peer)| Tokens { own, peer });
        (pair.dialler.tokens, pair.listener.tokens) = (of_dialler, of_listener);
        pair.run();
        for side in [&pair.dialler, &pair.listener] {
            let first = side.events.first() == Some(&Event::Continued);
            assert_eq!((first, side.is_up()), (is_continued, true), "{dialler:?} {listener:?}");
        }
    }
}
