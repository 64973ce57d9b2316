//! Invalid records.

use super::*;
use crate::wire::{SentNames, WireError};

const PIECE: usize = 16 * 1024;

#[test]
fn records_neither_repeat_nor_change_places() {
    let records = || {
        let mut pair = Pair::up();
        let output = [1, 2].map(|from| {
            let mut output = Vec::new();
            pair.dialler.session.send_frame(from, &message(from, 10)).unwrap();
            pair.dialler.session.poll_transmit(pair.now, &mut output);
            output
        });
        (pair, output)
    };
    let (mut pair, [first, second]) = records();
    pair.listener.receive(pair.now, &second);
    assert_eq!(pair.listener.result, Err(SessionError::Forged));
    let (mut pair, [first2, _]) = records();
    assert_eq!(first, first2, "a session is a function of its inputs");
    pair.listener.receive(pair.now, &first);
    assert_eq!(pair.listener.result, Ok(()));
    pair.listener.receive(pair.now, &first);
    assert_eq!(pair.listener.result, Err(SessionError::Forged));
    assert_eq!(pair.listener.frames(), [&message(1, 10)]);
    // The session stays over.
    pair.listener.receive(pair.now, &second);
    assert_eq!(pair.listener.result, Err(SessionError::Forged));
    assert_eq!(pair.listener.session.send_frame(1, &message(1, 1)), Err(SendError::Closed));
    assert!(!pair.listener.session.poll_transmit(pair.now, &mut Vec::new()));
}

/// Checks the error for a record of a peer that has the cookie.
#[track_caller]
fn check_record(plain: &[&[u8]], expected: SessionError) {
    let limits = Limits { frame: 20_000, lanes: 2, reassembly: 30_000, ..Limits::default() };
    let mut pair = Pair::of(config("a@x", Role::Dialler), Config { limits, ..config("b@x", Role::Listener) });
    pair.run();
    let mut output = Vec::new();
    for plain in plain {
        pair.dialler.cipher().seal(plain, &mut output).unwrap();
    }
    pair.listener.receive(pair.now, &output);
    assert_eq!(pair.listener.result, Err(expected));
}

#[test]
fn invalid_records() {
    let record = SessionError::Record;
    check_record(&[&[]], record("an empty record"));
    for kind in [12, 15, 32, 127, 255] {
        check_record(&[&[kind]], record("a chunk of no known kind"));
    }
    check_record(&[&[ADMISSION, 0]], record("a chunk of no known kind"));
    check_record(&[&[16]], record("a chunk ends too early"));
    check_record(&[&[31, 2, 0]], record("a chunk ends too early"));
    check_record(&[&[DEFINITION, 3, 1, 1]], record("a chunk ends too early"));
    check_record(&[&[DEFINITION, 3, 1, 2, b'x']], SessionError::Frame(WireError::Truncated));
    check_record(&[&[HELLO, 0]], record("a chunk of no known kind"));
    check_record(&[&[GOODBYE, TICK]], record("something after a goodbye"));
    check_record(&[&[3, 1]], record("a chunk ends too early"));
    check_record(&[&[3, 1, 5, 0]], record("a chunk ends too early"));
    check_record(&[&[3, 1, 0]], record("a piece that is empty or too large"));
    check_record(&[&[1, 1, 0x81, 0xe0, 3, 0]], record("a piece that is empty or too large"));
    check_record(&[&[0, 1, 1, 0]], record("a later piece of a frame without its first piece"));
    check_record(&[&[2, 1, 1, 0]], record("a later piece of a frame without its first piece"));
    check_record(&[&[1, 1, 1, 0, 1, 1, 1, 0]], record("a second frame is begun in one lane"));
    check_record(&[&[1, 1, 1, 0, 3, 1, 1, 0]], record("a second frame is begun in one lane"));
    check_record(&[&[3, 1, 1, 77]], SessionError::Frame(WireError::Kind(77)));
    check_record(&[&[7, 1]], record("an acknowledgement of more than was sent"));
    let three: &[u8] = &[1, 1, 1, 0, 1, 2, 1, 0, 1, 3, 1, 0];
    check_record(&[three], SessionError::TooManyLanes { limit: 2 });
    let piece = |kind, lane| [&[kind, lane, 0x80, 0x80, 1][..], &vec![0; PIECE]].concat();
    check_record(&[&piece(1, 1), &piece(0, 1)], SessionError::FrameTooLarge { limit: 20_000 });
    check_record(&[&piece(1, 1), &piece(1, 2)], SessionError::TooManyBytes { limit: 30_000 });
}

#[test]
fn definitions_beyond_the_bound_end_the_session_and_a_name_needs_one() {
    let mut pair = Pair::up();
    let mut names = SentNames::default();
    let frames = (0..5_000).map(|number| Frame::Signal {
        from: 1,
        to: FrameTarget::Name(format!("worker {number}").into()),
        signal: crate::wire::Signal::Link,
    });
    for frame in frames.clone() {
        let numbers = frame.numbers(&mut names, None);
        names.take_definitions().into_iter().for_each(|definition| pair.dialler.session.define(definition));
        pair.dialler.session.send(1, encoded(&frame, numbers).unwrap()).unwrap();
    }
    pair.run();
    assert_eq!(pair.listener.result, Ok(()));
    assert!(pair.listener.frames().into_iter().eq(&frames.collect::<Vec<_>>()));
    // One more than the sender would define itself.
    pair.dialler.session.define(NameDefinition::Process("one more".into()));
    pair.run();
    assert_eq!(pair.listener.result, Err(SessionError::Frame(WireError::Names)));

    let mut pair = Pair::up();
    let undefined = Frame::Signal { from: 1, to: FrameTarget::Name("a".into()), signal: crate::wire::Signal::Link };
    let numbers = undefined.numbers(&mut SentNames::default(), None);
    pair.dialler.session.send(1, encoded(&undefined, numbers).unwrap()).unwrap();
    pair.run();
    assert_eq!(pair.listener.result, Err(SessionError::Frame(WireError::Names)));
}

/// The definitions have several records, and the only frame uses the last of them.
#[test]
fn a_frame_waits_for_all_definitions_before_it() {
    let mut pair = Pair::up();
    let mut names = SentNames::default();
    let frame = |number| {
        let to = FrameTarget::Name(format!("{number} {}", "n".repeat(200)).into());
        Frame::Signal { from: 1, to, signal: crate::wire::Signal::Link }
    };
    let numbers = (0..1_000).map(|number| frame(number).numbers(&mut names, None)).last().unwrap();
    names.take_definitions().into_iter().for_each(|definition| pair.dialler.session.define(definition));
    pair.dialler.session.send(1, encoded(&frame(999), numbers).unwrap()).unwrap();
    pair.run();
    assert_eq!(pair.listener.result, Ok(()));
    assert_eq!(pair.listener.frames(), [&frame(999)]);
}

#[test]
fn no_event_is_larger_than_that_of_a_frame() {
    // Not the function of the tests, which counts encoded bytes.
    use std::mem::size_of;
    assert_eq!(size_of::<Event>(), size_of::<(u64, Frame)>());
}
