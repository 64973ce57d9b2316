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
    let encoded = encoded(&nameless, Numbers::default());
    assert_eq!(encoded.err(), Some(WireError::Text));
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

/// The bytes that are sent between a small frame's push and its arrival, with one large frame in each of `lanes`.
#[test]
fn a_small_frame_waits_for_at_most_two_pieces() {
    // The bytes of one piece and of the small frame.
    const PIECE: usize = FRAGMENT + 100;
    for lanes in [1, 2, 3, 20] {
        for seed in 1..=20 {
            let mut random = Random(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
            let mut pair = Pair::up();
            for lane in 0..lanes {
                pair.dialler.session.send_frame(lane, &message(lane, FRAGMENT + random.below(600_000))).unwrap();
            }
            let mut small = 0;
            for round in 0..12 {
                // The driver takes the next transmission when it has written the previous one.
                let mut output = Vec::new();
                pair.dialler.session.poll_transmit(pair.now, &mut output);
                if random.below(2) == 0 {
                    // In a lane of its own, or behind another small frame.
                    let lane = 100 + random.below(3) as u64;
                    pair.dialler.session.send_frame(lane, &message(lane, 10 + random.below(100))).unwrap();
                    small += 1;
                    let mut next = Vec::new();
                    pair.dialler.session.poll_transmit(pair.now, &mut next);
                    let waits = output.len() + next.len();
                    assert!(waits <= 2 * PIECE, "{waits} bytes with {lanes} lanes, seed {seed}, round {round}");
                    output.append(&mut next);
                }
                pair.listener.receive(pair.now, &output);
                let arrived = pair.listener.frames().into_iter().filter(|frame| is_small(frame)).count();
                assert_eq!(arrived, small, "{lanes} lanes, seed {seed}, round {round}");
                let mut acknowledgements = Vec::new();
                pair.listener.session.poll_transmit(pair.now, &mut acknowledgements);
                pair.dialler.receive(pair.now, &acknowledgements);
            }
            pair.run();
            assert_eq!(pair.listener.frames().len(), small + lanes as usize);
        }
    }
}

/// Carries one transmission of the dialler, and the acknowledgements of it.
fn transmit_once(pair: &mut Pair) {
    let mut output = Vec::new();
    pair.dialler.session.poll_transmit(pair.now, &mut output);
    pair.listener.receive(pair.now, &output);
    let mut acknowledgements = Vec::new();
    pair.listener.session.poll_transmit(pair.now, &mut acknowledgements);
    pair.dialler.receive(pair.now, &acknowledgements);
}

fn is_small(frame: &Frame) -> bool {
    matches!(frame, Frame::Message { from: 100.., .. })
}

#[test]
fn small_frames_without_end_do_not_stop_a_large_one() {
    let mut pair = Pair::up();
    let large = message(1, 10 * FRAGMENT);
    pair.dialler.session.send_frame(1, &large).unwrap();
    let mut small = 0;
    while !pair.listener.frames().contains(&&large) {
        // More than one transmission takes.
        while pair.dialler.session.backlog().bytes < 20 * FRAGMENT {
            let lane = 100 + small % 50;
            pair.dialler.session.send_frame(lane, &message(lane, 2_000)).unwrap();
            small += 1;
        }
        assert!(small < 2_000, "the large frame does not arrive");
        transmit_once(&mut pair);
    }
}

/// A frame between the size of a small one and that of a piece is sent whole, and counts in the window.
#[test]
fn large_frames_in_one_piece_wait_for_acknowledgements_too() {
    let mut pair = Pair::up();
    for lane in 0..100 {
        pair.dialler.session.send_frame(lane, &message(lane, 40_000)).unwrap();
    }
    let mut output = Vec::new();
    while pair.dialler.session.poll_transmit(pair.now, &mut output) {}
    let window = Limits::default().window;
    assert!((window - 50_000..window + 20_000).contains(&output.len()), "{}", output.len());
    pair.listener.receive(pair.now, &output);
    pair.run();
    assert_eq!(pair.listener.frames().len(), 100);
}

#[test]
fn a_frame_that_needs_all_of_the_peers_reassembly_is_not_passed_by_later_ones() {
    let limits = Limits { frame: 300_000, reassembly: 300_000, ..Limits::default() };
    let mut pair = Pair::of(config("a@x", Role::Dialler), Config { limits, ..config("b@x", Role::Listener) });
    pair.run();
    let of_lane = |from: u64| move |frame: &&Frame| matches!(frame, Frame::Message { from: it, .. } if *it == from);
    pair.dialler.session.send_frame(1, &message(1, 150_000)).unwrap();
    pair.dialler.session.send_frame(9, &message(9, 299_000)).unwrap();
    for round in 0..100 {
        // Other lanes have more to send at any time.
        for lane in 2..5 {
            pair.dialler.session.send_frame(lane, &message(lane, 100_000)).unwrap();
        }
        transmit_once(&mut pair);
        if pair.listener.frames().into_iter().any(|frame| of_lane(9)(&frame)) {
            // Lane 1 had begun before.
            let before = pair.listener.frames().len() - 1;
            assert!(before <= 1, "{before} frames passed it in {round} rounds");
            return;
        }
    }
    panic!("the largest frame does not arrive");
}

#[test]
fn the_size_of_the_largest_frame_is_bounded_and_the_other_bounds_hold_it() {
    let with = |bytes| {
        let mut limits = Limits::default();
        limits.set_frame(bytes);
        limits
    };
    for (bytes, frame) in [(0, 64 << 10), (1 << 20, 1 << 20), (1 << 32, 1 << 32), (u64::MAX, 1 << 32)] {
        let limits = with(bytes);
        assert_eq!(limits.frame, frame, "{bytes}");
        assert!(limits.reassembly >= frame && limits.budget >= frame && limits.window <= 1 << 20);
    }
}
