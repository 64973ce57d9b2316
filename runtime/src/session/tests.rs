//! Two sessions on a virtual clock, with bytes that go where the test lets them.

use super::*;
use crate::base::NodeName;
use crate::wire::Target;

/// Xorshift, so that a failure comes back with its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// One session with what it said and what it told.
struct Side {
    session: Session,
    /// On its way to the other side.
    said: Vec<u8>,
    events: Vec<Event>,
    result: Result<(), SessionError>,
}

impl Side {
    fn new(config: Config, now: Instant) -> Side {
        Side { session: Session::new(config, now), said: Vec::new(), events: Vec::new(), result: Ok(()) }
    }

    fn hear(&mut self, now: Instant, bytes: &[u8]) {
        self.result = self.session.handle_bytes(now, bytes);
        self.events.extend(std::iter::from_fn(|| self.session.poll_event()));
    }

    fn frames(&self) -> Vec<&Frame> {
        let frames = self.events.iter().filter_map(|event| match event {
            Event::Frame(frame) => Some(frame),
            _ => None,
        });
        frames.collect()
    }

    fn is_up(&self) -> bool {
        matches!(self.session.state, State::Up(_))
    }

    fn cipher(&mut self) -> &mut Cipher {
        match &mut self.session.state {
            State::Up(cipher) | State::Confirming(cipher) => cipher,
            _ => panic!("no keys yet"),
        }
    }
}

struct Pair {
    now: Instant,
    dialler: Side,
    listener: Side,
}

impl Pair {
    fn new() -> Pair {
        Pair::of(config("a@x", Role::Dialler), config("b@x", Role::Listener))
    }

    fn of(dialler: Config, listener: Config) -> Pair {
        let now = Instant::now();
        Pair { now, dialler: Side::new(dialler, now), listener: Side::new(listener, now) }
    }

    fn up() -> Pair {
        let mut pair = Pair::new();
        pair.run();
        assert!(pair.dialler.is_up() && pair.listener.is_up());
        pair
    }

    /// Carries all that is said, until there is silence or one side has failed.
    fn run(&mut self) {
        self.run_sliced(|left| left);
    }

    /// The same in slices as `slice` cuts them from what is left.
    fn run_sliced(&mut self, mut slice: impl FnMut(usize) -> usize) {
        loop {
            let mut quiet = true;
            for dialler_speaks in [true, false] {
                let (from, to) = match dialler_speaks {
                    true => (&mut self.dialler, &mut self.listener),
                    false => (&mut self.listener, &mut self.dialler),
                };
                from.session.poll_transmit(self.now, &mut from.said);
                let said = mem::take(&mut from.said);
                let mut left = &said[..];
                while !left.is_empty() && to.result.is_ok() {
                    let (piece, rest) = left.split_at(slice(left.len()).clamp(1, left.len()));
                    to.hear(self.now, piece);
                    left = rest;
                    quiet = false;
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// Lets time pass to the next thing due on either side, and that happen; `false` if it is an end.
    fn pass(&mut self) {
        let due = [&self.dialler, &self.listener].into_iter().filter_map(|side| side.session.poll_timeout());
        self.now = due.min().expect("something is due").max(self.now);
        for side in [&mut self.dialler, &mut self.listener] {
            if side.session.poll_timeout().is_some_and(|due| due <= self.now) {
                side.result = side.session.handle_timeout(self.now);
            }
        }
    }
}

fn config(name: &str, role: Role) -> Config {
    let node = NodeId { name: NodeName::new(name).unwrap(), incarnation: 1 };
    let instance = name.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte));
    Config {
        local: Hello { node, advertise: Some(format!("{name}:9100")), instance },
        key: CookieKey::derive(b"sixteen bytes or more"),
        cluster: "test".into(),
        role,
        limits: Limits::default(),
        tick: Duration::from_secs(60),
        entropy: [name.as_bytes()[0]; 32],
    }
}

fn message(from: u64, size: usize) -> Frame {
    let payload: Vec<u8> = (0..size).map(|at| (at as u64).wrapping_mul(from + 1) as u8).collect();
    let to = Target::Pid { incarnation: 1, number: from };
    Frame::Message { from, to, protocol: 1, variant: 2, replies: Vec::new(), payload: payload.into() }
}

fn size_of(frame: &Frame) -> usize {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    bytes.len()
}

/// Runs a handshake of these two, and says how it ends on both sides.
#[track_caller]
fn check(
    dialler: Config,
    listener: Config,
    at_dialler: Result<(), SessionError>,
    at_listener: Result<(), SessionError>,
) {
    let mut pair = Pair::of(dialler, listener);
    pair.run();
    let over = |side: &mut Side| match side.result.clone() {
        Ok(()) if side.is_up() => Ok(()),
        Ok(()) => side.session.handle_end().map_or(Ok(()), Err),
        failed => failed,
    };
    let ends = (over(&mut pair.dialler), over(&mut pair.listener));
    assert_eq!(ends, (at_dialler, at_listener));
    for side in [&pair.dialler, &pair.listener] {
        assert!(side.is_up() || side.events.is_empty(), "an event of a session that never was up");
    }
}

#[test]
fn two_nodes_meet() {
    let pair = Pair::up();
    let hello = |name| config(name, Role::Dialler).local;
    assert_eq!(pair.dialler.events, [Event::Up(hello("b@x"))]);
    assert_eq!(pair.listener.events, [Event::Up(hello("a@x"))]);
    check(config("a@x", Role::Dialler), config("b@x", Role::Listener), Ok(()), Ok(()));
}

#[test]
fn who_does_not_meet() {
    let dialler = || config("a@x", Role::Dialler);
    let listener = || config("b@x", Role::Listener);
    let key = CookieKey::derive(b"another one altogether");
    let refused = || Err(SessionError::HungUp);
    check(dialler(), Config { key, ..listener() }, refused(), Err(SessionError::Cookie));
    let cluster = "other".into();
    check(dialler(), Config { cluster, ..listener() }, refused(), Err(SessionError::Cookie));
    // Each has the other's hello before it hears of the end.
    let same = NodeName::new("a@x").unwrap();
    let mut twin = listener();
    twin.local.node.name = same.clone();
    let error = || Err(SessionError::SameName(same.clone()));
    check(dialler(), twin, error(), error());
    let itself = config("a@x", Role::Listener);
    check(dialler(), itself, Err(SessionError::Reflected), Err(SessionError::Reflected));
    let mut silly = listener();
    silly.local.advertise = Some("x".repeat(513));
    let long = SessionError::Handshake("this node's advertised address is too long");
    check(dialler(), silly, refused(), Err(long));
}

/// What a stranger sends, and what becomes of it: the error and the answer.
#[track_caller]
fn check_stranger(role: Role, bytes: &[u8], expected: Result<(), SessionError>, answer: &[u8]) {
    let now = Instant::now();
    let mut side = Side::new(config("a@x", role), now);
    if role == Role::Dialler {
        side.session.poll_transmit(now, &mut Vec::new());
    }
    for byte in bytes {
        side.hear(now, &[*byte]);
        if side.result.is_err() {
            break;
        }
    }
    assert_eq!(side.result, expected, "{bytes:?}");
    side.session.poll_transmit(now, &mut side.said);
    assert_eq!(side.said, answer, "{bytes:?}");
    assert!(side.events.is_empty());
    assert!(side.session.partial.capacity() < 128);
}

#[test]
fn strangers() {
    use Role::{Dialler, Listener};
    let version = |theirs: &[u16]| Err(SessionError::Version { theirs: theirs.to_vec(), ours: vec![1] });
    let bad = |what| Err(SessionError::Handshake(what));
    check_stranger(Listener, b"GET / HTTP/1.1\r\n", Err(SessionError::Magic), b"");
    check_stranger(Listener, b"GRNX", Err(SessionError::Magic), b"");
    check_stranger(Listener, b"GRNM\x00", bad("no versions, or too many"), b"");
    check_stranger(Listener, b"GRNM\x09", bad("no versions, or too many"), b"");
    check_stranger(Listener, b"GRNM\x02\x00\x02\x01\x00", version(&[2, 256]), b"GRNM\0\0\x01\0\x01");
    check_stranger(Listener, b"GRNM\x02\x00\x02\x00\x01", Ok(()), b"GRNM\0\x01");
    check_stranger(Listener, b"GRNM\x01\x00\x01\xff\xff", bad("a message of another size"), b"GRNM\0\x01");
    let mut zeros = b"GRNM\x01\x00\x01\x00\x30".to_vec();
    zeros.extend_from_slice(&[0; 48]);
    check_stranger(Listener, &zeros, Err(SessionError::Cookie), b"GRNM\0\x01");
    check_stranger(Dialler, b"HTTP/1.1 400", Err(SessionError::Magic), b"");
    check_stranger(Dialler, b"GRNM\x00\x07", version(&[7]), b"");
    check_stranger(Dialler, b"GRNM\x00\x00\x02\x00\x03\x00\x02", version(&[3, 2]), b"");
    check_stranger(Dialler, b"GRNM\x00\x00\x00", bad("no versions, or too many"), b"");
}

/// The handshake's bytes, as somebody between the two records them.
fn recorded() -> [Vec<u8>; 2] {
    let mut pair = Pair::new();
    let mut said = [Vec::new(), Vec::new()];
    for _ in 0..4 {
        for (speaker, said) in said.iter_mut().enumerate() {
            let (from, to) = match speaker {
                0 => (&mut pair.dialler, &mut pair.listener),
                _ => (&mut pair.listener, &mut pair.dialler),
            };
            let start = said.len();
            from.session.poll_transmit(pair.now, said);
            to.hear(pair.now, &said[start..]);
        }
    }
    assert!(pair.dialler.is_up() && pair.listener.is_up());
    said
}

#[test]
fn cut_at_each_byte_nobody_is_up_and_time_ends_it() {
    let [dialler, _] = recorded();
    for cut in 0..dialler.len() {
        let now = Instant::now();
        let mut config = config("b@x", Role::Listener);
        config.entropy = [b'b'; 32];
        let mut side = Side::new(config, now);
        side.hear(now, &dialler[..cut]);
        assert_eq!(side.result, Ok(()));
        assert!(!side.is_up());
        let due = side.session.poll_timeout().unwrap();
        assert_eq!(due, now + PATIENCE);
        assert_eq!(side.session.handle_timeout(due - Duration::from_nanos(1)), Ok(()));
        assert_eq!(side.session.handle_timeout(due), Err(SessionError::Slow));
        assert_eq!(side.session.poll_timeout(), None);
    }
}

#[test]
fn a_recorded_handshake_is_of_no_use() {
    let [dialler, listener] = recorded();
    let now = Instant::now();
    // With other entropy, which is what distinguishes one session from another.
    let mut side = Side::new(Config { entropy: [9; 32], ..config("b@x", Role::Listener) }, now);
    side.hear(now, &dialler);
    assert_eq!(side.result, Err(SessionError::Forged));
    assert!(side.events.is_empty());
    let mut side = Side::new(Config { entropy: [9; 32], ..config("a@x", Role::Dialler) }, now);
    side.session.poll_transmit(now, &mut Vec::new());
    side.hear(now, &listener);
    assert_eq!(side.result, Err(SessionError::Cookie));
}

#[test]
fn a_flipped_bit_ends_it() {
    let [dialler, _] = recorded();
    for byte in 0..dialler.len() {
        let bit = byte * 8 + byte % 8;
        let mut bytes = dialler.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let now = Instant::now();
        let mut side = Side::new(config("b@x", Role::Listener), now);
        side.hear(now, &bytes);
        assert!(!side.is_up(), "bit {bit}");
        assert!(side.events.is_empty(), "bit {bit}");
        // A length that has grown leaves the session waiting, for five seconds.
        let waits = side.result.is_ok() && side.session.handle_timeout(now + PATIENCE).is_err();
        assert!(waits || side.result.is_err(), "bit {bit}");
    }
}

#[test]
fn records_neither_repeat_nor_change_places() {
    let records = || {
        let mut pair = Pair::up();
        let said = [1, 2].map(|from| {
            let mut said = Vec::new();
            pair.dialler.session.send(from, &message(from, 10)).unwrap();
            pair.dialler.session.poll_transmit(pair.now, &mut said);
            said
        });
        (pair, said)
    };
    let (mut pair, [first, second]) = records();
    pair.listener.hear(pair.now, &second);
    assert_eq!(pair.listener.result, Err(SessionError::Forged));
    let (mut pair, [first2, _]) = records();
    assert_eq!(first, first2, "a session is a function of its inputs");
    pair.listener.hear(pair.now, &first);
    assert_eq!(pair.listener.result, Ok(()));
    pair.listener.hear(pair.now, &first);
    assert_eq!(pair.listener.result, Err(SessionError::Forged));
    assert_eq!(pair.listener.frames(), [&message(1, 10)]);
    // It stays over.
    pair.listener.hear(pair.now, &second);
    assert_eq!(pair.listener.result, Err(SessionError::Forged));
    assert_eq!(pair.listener.session.send(1, &message(1, 1)), Err(SendError::Closed));
    assert!(!pair.listener.session.poll_transmit(pair.now, &mut Vec::new()));
}

#[test]
fn frames_in_any_slicing_keep_the_order_of_their_lanes() {
    for seed in 1..=20 {
        let mut random = Random(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut pair = Pair::new();
        let mut sent: [Vec<Vec<Frame>>; 2] = [vec![Vec::new(); 5], vec![Vec::new(); 5]];
        for _ in 0..40 {
            let (speaker, lane) = (random.below(2), random.below(5));
            let size = match random.below(4) {
                0 => random.below(100_000),
                1 => lanes::FRAGMENT - 40 + random.below(80),
                _ => random.below(200),
            };
            let frame = message(lane as u64, size);
            let side = if speaker == 0 { &mut pair.dialler } else { &mut pair.listener };
            side.session.send(lane as u64, &frame).unwrap();
            sent[speaker][lane].push(frame);
            if random.below(4) == 0 {
                let most = [7, 300, 100_000][random.below(3)];
                pair.run_sliced(|left| 1 + random.below(most.min(left)));
            }
        }
        pair.run_sliced(|left| 1 + random.below(left));
        for (side, sent) in [(&pair.listener, &sent[0]), (&pair.dialler, &sent[1])] {
            assert_eq!(side.result, Ok(()), "seed {seed}");
            for (lane, sent) in sent.iter().enumerate() {
                let of_lane =
                    |frame: &&Frame| matches!(frame, Frame::Message { from, .. } if *from == lane as u64);
                let heard: Vec<&Frame> = side.frames().into_iter().filter(of_lane).collect();
                assert_eq!(heard, sent.iter().collect::<Vec<_>>(), "seed {seed}, lane {lane}");
            }
        }
        for side in [&pair.dialler, &pair.listener] {
            assert_eq!(side.session.queued(), 0);
        }
    }
}

#[test]
fn a_small_frame_overtakes_a_large_one_of_another_lane() {
    let mut pair = Pair::up();
    let (large, small) = (message(1, 10 << 20), message(2, 10));
    pair.dialler.session.send(1, &large).unwrap();
    pair.dialler.session.poll_transmit(pair.now, &mut pair.dialler.said);
    pair.dialler.session.send(2, &small).unwrap();
    pair.dialler.session.send(1, &message(1, 1)).unwrap();
    pair.dialler.session.poll_transmit(pair.now, &mut pair.dialler.said);
    assert!(pair.dialler.said.len() < 512 * 1024);
    let said = mem::take(&mut pair.dialler.said);
    pair.listener.hear(pair.now, &said);
    assert_eq!(pair.listener.frames(), [&small]);
    pair.run();
    assert_eq!(pair.listener.frames(), [&small, &large, &message(1, 1)]);
}

#[test]
fn many_small_frames_share_a_record() {
    let mut pair = Pair::up();
    for from in 0..1000 {
        pair.dialler.session.send(from % 7, &message(from, 8)).unwrap();
    }
    let mut said = Vec::new();
    assert!(pair.dialler.session.poll_transmit(pair.now, &mut said));
    assert!(!pair.dialler.session.poll_transmit(pair.now, &mut said));
    let first = usize::from(u16::from_be_bytes([said[0], said[1]]));
    assert_eq!(said.len(), 2 + first, "one record");
    pair.listener.hear(pair.now, &said);
    assert_eq!(pair.listener.frames().len(), 1000);
}

/// The sender keeps to what the receiver said it takes: large frames wait for each other, and none is refused.
#[test]
fn large_frames_fit_into_the_peers_reassembly() {
    let limits = Limits { frame: 100_000, lanes: 2, reassembly: 150_000, ..Limits::default() };
    let mut pair = Pair::of(config("a@x", Role::Dialler), Config { limits, ..config("b@x", Role::Listener) });
    pair.run();
    for round in 0..3 {
        for from in 0..6 {
            let size = if (from + round) % 3 == 0 { 99_000 } else { 40_000 };
            pair.dialler.session.send(from, &message(from, size)).unwrap();
        }
    }
    pair.run();
    assert_eq!(pair.listener.result, Ok(()));
    assert_eq!(pair.listener.frames().len(), 18);
    assert_eq!(pair.dialler.session.queued(), 0);
}

#[test]
fn a_frame_that_is_too_large_is_the_senders_to_know() {
    let limits = Limits { frame: 1000, ..Limits::default() };
    let small = Config { limits, ..config("b@x", Role::Listener) };
    let mut pair = Pair::of(config("a@x", Role::Dialler), small);
    // Before it is up only this node's own bound is known.
    let own = Limits::default().frame;
    let error = Err(SendError::TooLarge { limit: own });
    assert_eq!(pair.dialler.session.send(1, &message(1, own + 1)), error);
    let (early, fits) = (message(1, 2000), message(1, 20));
    pair.dialler.session.send(1, &early).unwrap();
    pair.dialler.session.send(1, &fits).unwrap();
    pair.run();
    assert_eq!(pair.dialler.events[1..], [Event::Refused { frame: early.clone(), limit: 1000 }]);
    assert_eq!(pair.listener.frames(), [&fits]);
    assert_eq!(pair.dialler.session.send(1, &early), Err(SendError::TooLarge { limit: 1000 }));
    assert_eq!(pair.dialler.session.frame_limit(), 1000);
    let name = Target::Name(String::new());
    let nameless = Frame::Signal { from: 1, to: name, signal: crate::wire::Signal::Link };
    let error = Err(SendError::Encode(crate::wire::WireError::Text));
    assert_eq!(pair.dialler.session.send(1, &nameless), error);
    assert_eq!(pair.dialler.session.queued(), 0);
}

/// What a peer with the cookie may put into a record, and what becomes of it.
#[track_caller]
fn check_record(plain: &[&[u8]], expected: SessionError) {
    let limits = Limits { frame: 20_000, lanes: 2, reassembly: 30_000, ..Limits::default() };
    let mut pair = Pair::of(config("a@x", Role::Dialler), Config { limits, ..config("b@x", Role::Listener) });
    pair.run();
    let mut said = Vec::new();
    for plain in plain {
        pair.dialler.cipher().seal(plain, &mut said).unwrap();
    }
    pair.listener.hear(pair.now, &said);
    assert_eq!(pair.listener.result, Err(expected));
}

#[test]
fn records_that_are_none() {
    let record = SessionError::Record;
    check_record(&[&[]], record("an empty record"));
    check_record(&[&[9]], record("a chunk of no known kind"));
    check_record(&[&[HELLO, 0]], record("a chunk of no known kind"));
    check_record(&[&[GOODBYE, TICK]], record("something after a goodbye"));
    check_record(&[&[3, 1]], record("a chunk ends too early"));
    check_record(&[&[3, 1, 5, 0]], record("a chunk ends too early"));
    check_record(&[&[3, 1, 0]], record("a piece that is empty or too large"));
    check_record(&[&[1, 1, 0x81, 0x80, 1, 0]], record("a piece that is empty or too large"));
    check_record(&[&[0, 1, 1, 0]], record("a frame goes on that is not begun"));
    check_record(&[&[2, 1, 1, 0]], record("a frame goes on that is not begun"));
    check_record(&[&[1, 1, 1, 0, 1, 1, 1, 0]], record("a second frame is begun in one lane"));
    check_record(&[&[1, 1, 1, 0, 3, 1, 1, 0]], record("a second frame is begun in one lane"));
    check_record(&[&[3, 1, 1, 77]], SessionError::Frame(crate::wire::WireError::Kind(77)));
    let three: &[u8] = &[1, 1, 1, 0, 1, 2, 1, 0, 1, 3, 1, 0];
    check_record(&[three], SessionError::TooManyLanes { limit: 2 });
    let piece = |kind, lane| [&[kind, lane, 0x80, 0x80, 1][..], &vec![0; lanes::FRAGMENT]].concat();
    check_record(&[&piece(1, 1), &piece(0, 1)], SessionError::FrameTooLarge { limit: 20_000 });
    check_record(&[&piece(1, 1), &piece(1, 2)], SessionError::TooManyBytes { limit: 30_000 });
}

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
    pair.dialler.session.send(1, &message(1, 8 << 20)).unwrap();
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
        pair.dialler.session.send(1, &message(round, 100)).unwrap();
        pair.listener.session.send(1, &message(round, 100_000)).unwrap();
        pair.run();
    }
    assert_eq!((pair.dialler.frames().len(), pair.listener.frames().len()), (20, 20));
    // And if only one side changes its key, everybody does.
    pair.dialler.cipher().rekey_every(1);
    for round in 0..2 {
        pair.dialler.session.send(1, &message(round, 100)).unwrap();
        pair.run();
    }
    assert_eq!(pair.listener.result, Err(SessionError::Forged));
}

#[test]
fn goodbye_follows_what_waits() {
    let mut pair = Pair::up();
    pair.dialler.session.send(1, &message(1, 1 << 20)).unwrap();
    pair.dialler.session.close(pair.now);
    assert_eq!(pair.dialler.session.send(1, &message(1, 1)), Err(SendError::Closed));
    assert!(!pair.dialler.session.is_over());
    pair.run();
    assert!(pair.dialler.session.is_over());
    let expected = [Event::Frame(message(1, 1 << 20)), Event::Goodbye];
    assert_eq!(pair.listener.events[1..], expected);
    assert_eq!(pair.listener.session.send(1, &message(1, 1)), Err(SendError::Closed));
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

#[test]
fn what_waits_is_counted() {
    let mut pair = Pair::up();
    let frames = [message(1, 100), message(2, 50_000), message(3, 3)];
    let total = frames.iter().map(size_of).sum::<usize>();
    for (lane, frame) in frames.iter().enumerate() {
        pair.dialler.session.send(lane as u64, frame).unwrap();
    }
    assert_eq!(pair.dialler.session.queued(), total);
    pair.run();
    assert_eq!(pair.dialler.session.queued(), 0);
}

/// Bytes that no session ever said, at each stage: an error or patience, never a panic or much memory.
#[test]
fn garbage_at_each_stage() {
    let [dialler, _] = recorded();
    let mut random = Random(11);
    for _ in 0..400 {
        let now = Instant::now();
        let mut side = Side::new(config("b@x", Role::Listener), now);
        let mut bytes = dialler[..random.below(dialler.len() + 1)].to_vec();
        let count = random.below(200);
        bytes.extend((0..count).map(|_| random.below(256) as u8));
        for slice in bytes.chunks(1 + random.below(64)) {
            side.hear(now, slice);
        }
        assert!(side.frames().is_empty());
        assert!(side.session.partial.capacity() <= 2 * 65_537);
    }
}
