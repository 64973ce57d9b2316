//! Ticks, silence, new keys and goodbyes.

use super::*;

#[test]
fn a_quiet_connection_ticks_and_stays() {
    let mut pair = Pair::up();
    let start = pair.now;
    while pair.now < start + Duration::from_secs(600) {
        pair.pass();
        assert!(pair.dialler.result.is_ok() && pair.listener.result.is_ok());
        pair.run();
    }
    assert!(pair.listener.frames().is_empty());
}

#[test]
fn silence_counts_as_loss_after_t() {
    let mut pair = Pair::up();
    let start = pair.now;
    let mut ticks = 0;
    // The listener's bytes get lost; the dialler goes on ticking until it gives up.
    while pair.dialler.result.is_ok() {
        pair.pass();
        ticks += usize::from(pair.dialler.session.poll_transmit(pair.now, &mut Vec::new()));
    }
    assert_eq!(pair.dialler.result, Err(SessionError::Silent));
    assert_eq!(pair.now, start + Duration::from_secs(60));
    assert_eq!(ticks, 3);
}

#[test]
fn a_tick_overtakes_data() {
    let mut pair = Pair::up();
    pair.dialler.session.send_frame(1, &message(1, 8 << 20)).unwrap();
    pair.now += Duration::from_secs(15);
    pair.dialler.session.handle_timeout(pair.now).unwrap();
    let mut said = Vec::new();
    pair.dialler.session.poll_transmit(pair.now, &mut said);
    let first = 2 + usize::from(u16::from_be_bytes([said[0], said[1]]));
    let plain = pair.listener.cipher().open(&said[2..first]).unwrap();
    assert_eq!(plain[0], TICK);
}

/// What is damaged on its way, or trickles in without an end, is no sign of life.
#[test]
fn only_an_opened_record_is_a_sign_of_life() {
    let mut pair = Pair::up();
    let due = pair.listener.session.poll_timeout().unwrap();
    pair.listener.hear(pair.now + Duration::from_secs(1), &[0xff, 0xff, 1, 2, 3]);
    assert_eq!(pair.listener.session.poll_timeout(), Some(due));
    assert_eq!(pair.listener.session.silent_at, pair.now + Duration::from_secs(60));
}

#[test]
fn keys_change_and_nobody_notices() {
    let mut pair = Pair::up();
    for side in [&mut pair.dialler, &mut pair.listener] {
        side.cipher().rekey_every(3);
    }
    for round in 0..20 {
        pair.dialler.session.send_frame(1, &message(round, 100)).unwrap();
        pair.listener.session.send_frame(1, &message(round, 100_000)).unwrap();
        pair.run();
    }
    assert_eq!((pair.dialler.frames().len(), pair.listener.frames().len()), (20, 20));
    // And if only one side changes its key, everybody does.
    pair.dialler.cipher().rekey_every(1);
    for round in 0..2 {
        pair.dialler.session.send_frame(1, &message(round, 100)).unwrap();
        pair.run();
    }
    assert_eq!(pair.listener.result, Err(SessionError::Forged));
}

#[test]
fn goodbye_follows_what_waits() {
    let mut pair = Pair::up();
    pair.dialler.session.send_frame(1, &message(1, 1 << 20)).unwrap();
    pair.dialler.session.close(pair.now);
    assert_eq!(pair.dialler.session.send_frame(1, &message(1, 1)), Err(SendError::Closed));
    assert!(!pair.dialler.session.is_over());
    pair.run();
    assert!(pair.dialler.session.is_over());
    let expected = [Event::Frame(message(1, 1 << 20)), Event::Goodbye];
    assert_eq!(pair.listener.events[1..], expected);
    assert_eq!(pair.listener.session.send_frame(1, &message(1, 1)), Err(SendError::Closed));
    // The one who said it waits five seconds for the other to hang up, and says nothing more.
    pair.now += PATIENCE;
    assert_eq!(pair.dialler.session.handle_timeout(pair.now), Err(SessionError::Closed));
    assert!(!pair.dialler.session.poll_transmit(pair.now, &mut Vec::new()));
}

#[test]
fn closed_before_it_is_up() {
    let mut pair = Pair::new();
    pair.dialler.session.close(pair.now);
    assert!(pair.dialler.session.is_over());
    assert_eq!(pair.dialler.session.poll_timeout(), None);
}
