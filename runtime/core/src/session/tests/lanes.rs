//! Order, turns and bounds of what is sent.

use super::*;

const FRAGMENT: usize = Limits::MAX_FRAGMENT;

#[test]
fn frames_in_any_slicing_keep_the_order_of_their_lanes() {
    for seed in 1..=20 {
        let mut random = Random(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut pair = Pair::up();
        let mut sent: [Vec<Vec<Frame>>; 2] = [vec![Vec::new(); 5], vec![Vec::new(); 5]];
        for _ in 0..40 {
            let (sender, lane) = (random.below(2), random.below(5));
            let size = match random.below(4) {
                0 => random.below(100_000),
                1 => FRAGMENT - 40 + random.below(80),
                _ => random.below(200),
            };
            let frame = message(lane as u64, size);
            let side = if sender == 0 { &mut pair.dialler } else { &mut pair.listener };
            side.session.send_frame(lane as u64, &frame).unwrap();
            sent[sender][lane].push(frame);
            if random.below(4) == 0 {
                let most = [7, 300, 100_000][random.below(3)];
                pair.run_sliced(|left| 1 + random.below(most.min(left)));
            }
        }
        pair.run_sliced(|left| 1 + random.below(left));
        for (side, sent) in [(&pair.listener, &sent[0]), (&pair.dialler, &sent[1])] {
            assert_eq!(side.result, Ok(()), "seed {seed}");
            for (lane, sent) in sent.iter().enumerate() {
                let of_lane = |frame: &&Frame| matches!(frame, Frame::Message { from, .. } if *from == lane as u64);
                let received: Vec<&Frame> = side.frames().into_iter().filter(of_lane).collect();
                assert_eq!(received, sent.iter().collect::<Vec<_>>(), "seed {seed}, lane {lane}");
            }
        }
        for side in [&pair.dialler, &pair.listener] {
            assert_eq!(side.session.backlog().bytes, 0);
        }
    }
}

#[test]
fn a_small_frame_overtakes_a_large_one_of_another_lane() {
    let mut pair = Pair::up();
    let (large, small) = (message(1, 10 << 20), message(2, 10));
    pair.dialler.session.send_frame(1, &large).unwrap();
    pair.dialler.session.poll_transmit(pair.now, &mut pair.dialler.output);
    pair.dialler.session.send_frame(2, &small).unwrap();
    pair.dialler.session.send_frame(1, &message(1, 1)).unwrap();
    pair.dialler.session.poll_transmit(pair.now, &mut pair.dialler.output);
    assert!(pair.dialler.output.len() < 512 * 1024);
    let output = mem::take(&mut pair.dialler.output);
    pair.listener.receive(pair.now, &output);
    assert_eq!(pair.listener.frames(), [&small]);
    pair.run();
    assert_eq!(pair.listener.frames(), [&small, &large, &message(1, 1)]);
}

#[test]
fn many_small_frames_share_a_record() {
    let mut pair = Pair::up();
    for from in 0..1000 {
        pair.dialler.session.send_frame(from % 7, &message(from, 8)).unwrap();
    }
    let mut output = Vec::new();
    assert!(pair.dialler.session.poll_transmit(pair.now, &mut output));
    assert!(!pair.dialler.session.poll_transmit(pair.now, &mut output));
    let first = usize::from(u16::from_be_bytes([output[0], output[1]]));
    assert_eq!(output.len(), 2 + first, "one record");
    pair.listener.receive(pair.now, &output);
    assert_eq!(pair.listener.frames().len(), 1000);
}

/// The sender obeys the receiver's limits: large frames wait for each other, and every one is accepted.
#[test]
fn large_frames_fit_into_the_peers_reassembly() {
    let limits = Limits { frame: 100_000, lanes: 2, reassembly: 150_000, ..Limits::default() };
    let mut pair = Pair::of(config("a@x", Role::Dialler), Config { limits, ..config("b@x", Role::Listener) });
    pair.run();
    for round in 0..3 {
        for from in 0..6 {
            let size = if (from + round) % 3 == 0 { 99_000 } else { 40_000 };
            pair.dialler.session.send_frame(from, &message(from, size)).unwrap();
        }
    }
    pair.run();
    assert_eq!(pair.listener.result, Ok(()));
    assert_eq!(pair.listener.frames().len(), 18);
    assert_eq!(pair.dialler.session.backlog().bytes, 0);
}

#[test]
fn a_frame_that_is_too_large_is_an_error_at_its_sender() {
    let limits = Limits { frame: 1000, ..Limits::default() };
    let small = Config { limits, ..config("b@x", Role::Listener) };
    let mut pair = Pair::of(config("a@x", Role::Dialler), small);
    let (large, fits) = (message(1, 2000), message(1, 20));
    // No frame is taken before the peer's limit is known.
    assert_eq!(pair.dialler.session.send_frame(1, &fits), Err(SendError::Closed));
    pair.run();
    assert_eq!(pair.dialler.session.send_frame(1, &large), Err(SendError::TooLarge { limit: 1000 }));
    assert_eq!(pair.listener.session.send_frame(1, &large), Err(SendError::TooLarge { limit: 1000 }));
    pair.dialler.session.send_frame(1, &fits).unwrap();
    pair.run();
    assert_eq!(pair.listener.frames(), [&fits]);
    assert_eq!(pair.dialler.session.frame_limit(), 1000);
    let nameless = Frame::Signal { from: 1, to: FrameTarget::Name("".into()), signal: crate::wire::Signal::Link };
    let encoded = Encoded::new(&nameless, Numbers::default());
    assert_eq!(encoded.err(), Some(crate::wire::WireError::Text));
    assert_eq!(pair.dialler.session.backlog().bytes, 0);
}

#[test]
fn waiting_bytes_are_counted() {
    let mut pair = Pair::up();
    let frames = [message(1, 100), message(2, 50_000), message(3, 3)];
    let total = frames.iter().map(size_of).sum::<usize>();
    for (lane, frame) in frames.iter().enumerate() {
        pair.dialler.session.send_frame(lane as u64, frame).unwrap();
    }
    assert_eq!(pair.dialler.session.backlog().bytes, total);
    pair.run();
    assert_eq!(pair.dialler.session.backlog().bytes, 0);
}

/// Without acknowledgements a large frame stops at the window, and small ones go on.
#[test]
fn a_large_frame_waits_for_acknowledgements() {
    let mut pair = Pair::up();
    pair.dialler.session.send_frame(1, &message(1, 5 << 20)).unwrap();
    let mut output = Vec::new();
    while pair.dialler.session.poll_transmit(pair.now, &mut output) {}
    let window = Limits::default().window;
    assert!((window..window + 20_000).contains(&output.len()), "{}", output.len());
    pair.dialler.session.send_frame(2, &message(2, 10)).unwrap();
    assert!(pair.dialler.session.poll_transmit(pair.now, &mut output));
    pair.listener.receive(pair.now, &output);
    assert_eq!(pair.listener.frames(), [&message(2, 10)]);
    pair.run();
    assert_eq!(pair.listener.frames(), [&message(2, 10), &message(1, 5 << 20)]);
}
