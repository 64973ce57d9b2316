//! Admission after both hellos, agreed values, and probes.

use super::*;
use crate::session::handshake::hello::{self, HelloError};
use crate::session::handshake::key_exchange::Progress;
use crate::session::handshake::preamble::Size;
use crate::wire::WireError;

/// Runs a handshake in which the dialler `a`, the listener `b` or both refuse, and returns the results of both.
fn run(a: Option<Refusal>, b: Option<Refusal>, swap: bool) -> [Result<(), SessionError>; 2] {
    let roles = if swap { [Role::Listener, Role::Dialler] } else { [Role::Dialler, Role::Listener] };
    let (first, second) = (config("a@x", roles[0]), config("b@x", roles[1]));
    let mut pair = if swap { Pair::of(second, first) } else { Pair::of(first, second) };
    let (side_a, side_b) =
        if swap { (&mut pair.listener, &mut pair.dialler) } else { (&mut pair.dialler, &mut pair.listener) };
    (side_a.refusal, side_b.refusal) = (a, b);
    pair.run();
    let results = [&pair.dialler, &pair.listener].map(|side| {
        let up = side.events.iter().filter(|event| matches!(event, Event::Up(_))).count();
        assert_eq!(up, usize::from(side.result.is_ok()), "up if, and only if, both admit");
        side.result.clone()
    });
    let [dialler, listener] = results;
    if swap { [listener, dialler] } else { [dialler, listener] }
}

#[test]
fn a_connection_is_up_only_if_both_admit() {
    for swap in [false, true] {
        assert_eq!(run(None, None, swap), [Ok(()), Ok(())]);
        for refusal in [Refusal::Duplicate, Refusal::NameInUse, Refusal::NotAllowed, Refusal::Other(77)] {
            let (here, there) = (Err(SessionError::RefusedHere(refusal)), Err(SessionError::Refused(refusal)));
            // The node with the smaller name decides first, so the decision of the other one is not requested.
            assert_eq!(run(Some(refusal), Some(Refusal::Stopping), swap), [here.clone(), there.clone()]);
            assert_eq!(run(None, Some(refusal), swap), [there, here]);
        }
    }
}

/// Returns a pair whose two hellos have arrived, and the deciding node has not decided.
fn undecided() -> Pair {
    let mut pair = Pair::new();
    for _ in 0..3 {
        for dialler_sends in [true, false] {
            let (from, to) = match dialler_sends {
                true => (&mut pair.dialler, &mut pair.listener),
                false => (&mut pair.listener, &mut pair.dialler),
            };
            from.session.poll_transmit(pair.now, &mut from.output);
            to.result = to.session.handle_bytes(pair.now, &mem::take(&mut from.output));
        }
    }
    assert!([&pair.dialler, &pair.listener].iter().all(|side| matches!(side.session.state, State::Deciding(..))));
    pair
}

#[test]
fn a_decision_may_come_later_but_not_after_the_handshakes_time() {
    let mut pair = undecided();
    assert!(matches!(pair.dialler.session.poll_event(), Some(Event::Hello { decides: true, .. })));
    assert!(matches!(pair.listener.session.poll_event(), Some(Event::Hello { decides: false, .. })));
    // The other node cannot admit before the deciding one.
    pair.listener.session.admit(pair.now, Default::default()).unwrap();
    assert!(!pair.listener.session.poll_transmit(pair.now, &mut Vec::new()));
    pair.now += Duration::from_secs(4);
    pair.dialler.session.admit(pair.now, Default::default()).unwrap();
    pair.run();
    assert!(pair.dialler.is_up() && pair.listener.is_up());

    let mut pair = undecided();
    pair.now += TIMEOUT;
    assert_eq!(pair.dialler.session.handle_timeout(pair.now), Err(SessionError::Slow));
    assert_eq!(pair.listener.session.handle_end(), Some(SessionError::Undecided));
}

#[test]
fn a_node_that_stops_refuses_a_peer_that_waits() {
    let mut pair = undecided();
    pair.dialler.session.close(pair.now);
    pair.run();
    assert_eq!(pair.listener.result, Err(SessionError::Refused(Refusal::Stopping)));
}

/// Has the peer of an undecided session send these records, and returns the session's error.
fn undecided_error(from_dialler: bool, records: &[&[u8]]) -> SessionError {
    let mut pair = undecided();
    let (from, to) = match from_dialler {
        true => (&mut pair.dialler, &mut pair.listener),
        false => (&mut pair.listener, &mut pair.dialler),
    };
    let mut output = Vec::new();
    for record in records {
        from.cipher().seal(record, &mut output).unwrap();
    }
    to.result = to.session.handle_bytes(pair.now, &output);
    to.result.clone().expect_err("an error")
}

#[test]
fn nothing_but_one_admission_may_come_before_up() {
    let bad = SessionError::Handshake;
    assert_eq!(undecided_error(false, &[&[ADMISSION, 0]]), bad("an admission out of turn"));
    assert_eq!(undecided_error(true, &[&[ADMISSION, 0], &[ADMISSION, 0]]), bad("an admission out of turn"));
    for record in [&[TICK][..], &[HELLO, 0], &[3, 1, 1, 0], &[ADMISSION], &[ADMISSION, 0, 0], &[ADMISSION, 0x80, 0]] {
        assert_eq!(undecided_error(true, &[record]), bad("the second record is not an admission"), "{record:?}");
    }
    assert_eq!(undecided_error(true, &[&[0; 60]]), bad("an admission of another size"));
}

#[test]
fn two_nodes_use_the_shorter_tick_and_the_smaller_piece() {
    let (mut a, mut b) = (config("a@x", Role::Dialler), config("b@x", Role::Listener));
    a.tick = Duration::from_secs(4);
    b.limits.fragment = 2000;
    let mut pair = Pair::of(a, b);
    pair.run();
    let start = pair.now;
    while pair.now < start + Duration::from_secs(60) {
        pair.pass();
        assert!(pair.dialler.result.is_ok() && pair.listener.result.is_ok());
        pair.run();
    }
    for from_dialler in [true, false] {
        let side = if from_dialler { &mut pair.dialler } else { &mut pair.listener };
        side.session.send_frame(1, &message(1, 50_000)).unwrap();
        pair.run();
        let side = if from_dialler { &pair.listener } else { &pair.dialler };
        assert_eq!((side.result.clone(), side.frames().len()), (Ok(()), 1));
    }
}

#[test]
fn a_probe_is_answered_before_all_data_or_fails_after_two_seconds() {
    let mut pair = Pair::up();
    pair.listener.session.send_frame(1, &message(1, 8 << 20)).unwrap();
    pair.dialler.session.probe(pair.now);
    assert_eq!(pair.dialler.session.poll_timeout(), Some(pair.now + PROBE));
    pair.dialler.session.poll_transmit(pair.now, &mut pair.dialler.output);
    let bytes = mem::take(&mut pair.dialler.output);
    pair.listener.receive(pair.now, &bytes);
    pair.listener.session.poll_transmit(pair.now, &mut pair.listener.output);
    let bytes = mem::take(&mut pair.listener.output);
    let first = 2 + usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    pair.dialler.receive(pair.now, &bytes[..first]);
    assert_eq!(pair.dialler.events.last(), Some(&Event::Probed { alive: true }));

    let mut pair = Pair::up();
    pair.dialler.session.probe(pair.now);
    pair.dialler.session.probe(pair.now);
    pair.pass();
    assert_eq!(pair.dialler.session.poll_event(), Some(Event::Probed { alive: false }));
    assert_eq!(pair.dialler.session.poll_event(), None);
    // An answer that comes too late has no effect.
    pair.run();
    assert_eq!(pair.dialler.session.poll_event(), None);
}

#[test]
fn extensions_of_a_later_version_are_skipped() {
    let mut pair = Pair::up();
    let mut output = Vec::new();
    for kind in EXTENSIONS.filter(|kind| *kind > crate::session::pause::RESUME) {
        let record = [&[kind, 3, 1, 2, 3, TICK, kind, 0][..], &[TICK]].concat();
        pair.dialler.cipher().seal(&record, &mut output).unwrap();
    }
    pair.listener.receive(pair.now, &output);
    assert_eq!(pair.listener.result, Ok(()));
    assert_eq!(pair.listener.events.len(), 1);
}

/// A hello with one field more, less or changed.
#[test]
fn unknown_fields_are_skipped_unless_they_are_critical() {
    let Config { local, cluster, limits, tick, .. } = config("a@x", Role::Dialler);
    let bytes = hello::encode(&local, &cluster, tick, ReceiveLimits::of(&limits)).unwrap();
    let greeted = hello::decode(&bytes).unwrap();
    assert_eq!((&greeted.hello, &greeted.cluster, greeted.tick), (&local, &cluster, tick));
    let with = |tail: &[u8]| hello::decode(&[&bytes, tail].concat());
    assert_eq!(with(&[18, 2, 7, 7]), Ok(greeted.clone()));
    assert_eq!(with(&[0x80, 1, 0]), Ok(greeted));
    assert_eq!(with(&[19, 0]), Err(HelloError::Unknown(19)));
    assert!(matches!(with(&[17, 1, 0]), Err(HelloError::Bytes(_))), "a field that comes twice");
    assert!(matches!(with(&[18, 200, 7]), Err(HelloError::Bytes(_))), "a length beyond the end");
    // Each field in turn is left out.
    let mut at = 0;
    while at < bytes.len() {
        let (tag, end) = (bytes[at], at + 2 + usize::from(bytes[at + 1]));
        let shorter = [&bytes[..at], &bytes[end..]].concat();
        let expected = (tag % 2 == 1).then_some(HelloError::Missing(u64::from(tag)));
        assert_eq!(hello::decode(&shorter).err(), expected);
        for cut in at + 1..end {
            assert!(hello::decode(&bytes[..cut]).is_err());
        }
        at = end;
    }
    for tick in [0, 9] {
        let short = hello::encode(&local, &cluster, Duration::from_millis(tick), ReceiveLimits::of(&limits));
        assert!(matches!(hello::decode(&short.unwrap()), Err(HelloError::Bytes(_))), "{tick} ms");
    }
    assert_eq!(hello::encode(&local, "", tick, ReceiveLimits::of(&limits)), None);
    assert_eq!(hello::encode(&local, &"x".repeat(256), tick, ReceiveLimits::of(&limits)), None);
}

#[test]
fn names_in_a_hello_are_bounded() {
    let Config { local, cluster, limits, tick, .. } = config("a@x", Role::Dialler);
    let bytes = hello::encode(&local, &cluster, tick, ReceiveLimits::of(&limits)).unwrap();
    // The fields with a name: the node, its address, its cluster. Each is one byte longer than permitted.
    for (tag, longest) in [(1, NodeName::MAX), (2, MAX_ADVERTISE), (7, MAX_CLUSTER)] {
        for (size, is_valid) in [(longest, true), (longest + 1, false)] {
            let mut changed = Vec::new();
            let mut reader = varint::Reader::new(&bytes);
            while !reader.is_empty() {
                let (of, length) = (reader.varint().unwrap(), reader.varint().unwrap() as usize);
                let value = reader.bytes(length).unwrap().to_vec();
                let text = ["a@".to_owned(), "x".repeat(size - 2)].concat().into_bytes();
                let value = if of == tag { text } else { value };
                varint::put(&mut changed, of);
                varint::put(&mut changed, value.len() as u64);
                changed.extend(value);
            }
            let expected = if is_valid { Ok(()) } else { Err(HelloError::Bytes(WireError::Text)) };
            assert_eq!(hello::decode(&changed).map(|_| ()), expected, "field {tag}, {size} bytes");
        }
    }
}

#[test]
fn a_peer_of_a_later_version_receives_the_reason() {
    let now = Instant::now();
    let Config { local, cluster, limits, tick, security, ephemeral, .. } = config("a@x", Role::Dialler);
    let Security::Cookie(keys) = security else { panic!("a cookie") };
    let mut bytes = hello::encode(&local, &cluster, tick, ReceiveLimits::of(&limits)).unwrap();
    bytes.extend_from_slice(&[19, 0]);
    let mut record = vec![HELLO];
    varint::put(&mut record, bytes.len() as u64);
    record.extend_from_slice(&bytes);

    let mut listener = Side::new(config("b@x", Role::Listener), now);
    let (mut exchange, mut output) = KeyExchange::new(Role::Dialler, Some(keys), ephemeral);
    let mut cipher = loop {
        listener.receive(now, &mem::take(&mut output));
        let mut answer = Vec::new();
        listener.session.poll_transmit(now, &mut answer);
        let Ok(Size::Exactly(size)) = exchange.size(&answer) else { panic!("a whole answer") };
        exchange = match exchange.step(&answer[..size], &mut output).unwrap() {
            Progress::More(exchange) => exchange,
            Progress::Done(mut cipher) => {
                // The listener's hello.
                let hello = &answer[size..];
                cipher.open(&hello[2..]).unwrap();
                break cipher;
            }
        };
    };
    cipher.seal(&record, &mut output).unwrap();
    listener.receive(now, &output);
    assert_eq!(listener.result, Err(SessionError::UnknownField(19)));
    let mut answer = Vec::new();
    listener.session.poll_transmit(now, &mut answer);
    assert_eq!(cipher.open(&answer[2..]).unwrap(), [ADMISSION, 4][..]);
}
