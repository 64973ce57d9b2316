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
    assert_eq!(pair.dialler.result, Err(SessionError::Silent { tick: Duration::from_secs(60) }));
    assert_eq!(pair.now, start + Duration::from_secs(60));
    assert_eq!(ticks, 3);
}

#[test]
fn a_tick_overtakes_data() {
    let mut pair = Pair::up();
    pair.dialler.session.send_frame(1, &message(1, 8 << 20)).unwrap();
    pair.now += Duration::from_secs(15);
    pair.dialler.session.handle_timeout(pair.now).unwrap();
    let mut output = Vec::new();
    pair.dialler.session.poll_transmit(pair.now, &mut output);
    let first = 2 + usize::from(u16::from_be_bytes([output[0], output[1]]));
    let plain = pair.listener.cipher().open(&output[2..first]).unwrap();
    assert_eq!(plain[0], TICK);
}

/// Damaged bytes, and a record that never becomes complete, are not signs of life.
#[test]
fn only_an_opened_record_is_a_sign_of_life() {
    let mut pair = Pair::up();
    let due = pair.listener.session.poll_timeout().unwrap();
    pair.listener.receive(pair.now + Duration::from_secs(1), &[0xff, 0xff, 1, 2, 3]);
    assert_eq!(pair.listener.session.poll_timeout(), Some(due));
    assert_eq!(pair.listener.session.silent_at, pair.now + Duration::from_secs(60));
}

#[test]
fn keys_change_without_an_effect_on_frames() {
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
    // If only one side changes its key, the other cannot open its records.
    pair.dialler.cipher().rekey_every(1);
    for round in 0..3 {
        pair.dialler.session.send_frame(1, &message(round, 100)).unwrap();
        pair.run();
    }
    assert_eq!(pair.listener.result, Err(SessionError::Forged));
}

#[test]
fn a_goodbye_follows_the_waiting_frames() {
    let mut pair = Pair::up();
    pair.dialler.session.send_frame(1, &message(1, 1 << 20)).unwrap();
    pair.dialler.session.close(pair.now);
    assert_eq!(pair.dialler.session.send_frame(1, &message(1, 1)), Err(SendError::Closed));
    assert!(!pair.dialler.session.is_over());
    pair.run();
    assert!(pair.dialler.session.is_over());
    let expected = [Event::Frame { lane: 1, frame: message(1, 1 << 20) }, Event::Goodbye];
    assert_eq!(pair.listener.events[1..], expected);
    assert_eq!(pair.listener.session.send_frame(1, &message(1, 1)), Err(SendError::Closed));
    // After its goodbye a session waits five seconds for the peer to close the connection, and sends nothing more.
    pair.now += TIMEOUT;
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
