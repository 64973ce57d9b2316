//! Hostile input: arbitrary bytes and times in each state, and arbitrary records of a peer that has the cookie.
//!
//! Each target runs for seconds with the other tests. `CONTRIBUTING.md` has the command for millions of inputs.

use std::sync::OnceLock;

use super::*;
use crate::counting::kept_bytes;
use crate::session::handshake::key_exchange::KeyExchange;
use crate::session::handshake::{hello, preamble};
use crate::session::lanes::{FIRST, LAST};
use crate::wire::hostile::{Coverage, Input, Known};
use crate::wire::{Numbers, SentNames};

/// Limits so small that a short input reaches each of them.
const LIMITS: Limits = Limits {
    large: 256 << 10,
    fragment: Limits::MAX_FRAGMENT,
    frame: 20_000,
    lanes: 2,
    reassembly: 30_000,
    node_reassembly: 30_000,
    window: 256 * 1024,
    high_water: 1 << 20,
    budget: 256 << 20,
    relations: 100,
    calls: 100,
    peers: 100,
    handshakes: 64,
};
const KNOWN: Known<'static> = Known { numbers: &[1, 2, 3], names: &["orders"] };
/// The most bytes of one record with its length.
const UNIT: usize = 65_537;
/// The memory of a session besides its buffers: the Noise state, the hellos, tables.
const FIXED: usize = 16 * 1024;
/// Incomplete frames. A vector may have twice the capacity that it needs.
const REASSEMBLY: usize = 2 * LIMITS.reassembly;
/// The fewest bytes of a chunk with a frame.
const SMALLEST: usize = 6;

/// The session under attack, and the observations of a test.
struct Attacked {
    session: Session,
    /// The peer's keys, once there are any.
    peer: Option<Cipher>,
    now: Instant,
    /// The memory of the thread before the session.
    before: isize,
    stage: Stage,
    /// The bytes of frames of which a part may wait.
    queued: usize,
    /// The longest input.
    fed: usize,
    output: Vec<u8>,
    /// The memory of the test's own buffers.
    own: usize,
}

/// The last event of a session in the order that its user relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Silent,
    Hello,
    Offered,
    Up,
    Goodbye,
}

impl Attacked {
    fn new(config: Config, now: Instant) -> Attacked {
        let before = kept_bytes();
        let session = Session::new(config, now);
        Attacked {
            session,
            peer: None,
            now,
            before,
            stage: Stage::Silent,
            queued: 0,
            fed: 0,
            output: Vec::new(),
            own: 0,
        }
    }

    /// A session that has agreed on keys with a peer that has the cookie, and waits for its hello.
    fn authenticated(config: Config, now: Instant) -> Attacked {
        let mut attacked = Attacked::new(config, now);
        let [mut cipher, peer] = Cipher::pair();
        attacked.session.handshake_bytes.clear();
        attacked.session.send_hello(&mut cipher).unwrap();
        attacked.session.state = State::Confirming(cipher);
        attacked.peer = Some(peer);
        attacked
    }

    fn state(&self) -> &'static str {
        match &self.session.state {
            State::Exchanging(KeyExchange::Noise(..)) => "noise",
            State::Exchanging(_) => "greeting",
            State::Confirming(_) => "confirming",
            State::Deciding(_, deciding) => match (deciding.decides, deciding.admitted, deciding.offered) {
                (true, false, _) => "deciding",
                (true, true, _) => "deciding, has admitted",
                (false, _, false) => "awaiting the decision",
                (false, _, true) => "offered",
            },
            State::Up(_) => match self.session.closing {
                Closing::No => "up",
                Closing::Sending(_) => "up, closing",
                Closing::GoodbyeSent(_) => "up, goodbye sent",
            },
            State::Over(_) => "over",
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.fed = self.fed.max(bytes.len());
        let was_over = matches!(self.session.state, State::Over(_));
        let result = self.session.handle_bytes(self.now, bytes);
        assert!(!was_over || result.is_err() || bytes.is_empty(), "a session that is over took bytes");
        self.check();
    }

    /// Takes so many of the steps by which a peer, whose name is `c@x`, comes up.
    fn advance(&mut self, steps: usize) {
        let Config { mut local, cluster, tick, .. } = config("c@x", Role::Dialler);
        local.instance = 77;
        let hello = hello::encode(&local, &cluster, tick, ReceiveLimits::of(&Limits::default())).unwrap();
        for _ in 0..steps.min(3) {
            let admits = self.state() == "deciding" || self.state() == "offered";
            match self.state() {
                "confirming" => {
                    let mut record = vec![HELLO];
                    varint::put(&mut record, hello.len() as u64);
                    record.extend_from_slice(&hello);
                    self.receive_record(&record, 0);
                }
                _ if admits => self.session.admit(self.now, Default::default()).unwrap(),
                _ => self.receive_record(&[ADMISSION, 0], 0),
            }
            self.check();
        }
    }

    /// Seals a record with the peer's keys; the session receives it in one piece or two.
    fn receive_record(&mut self, plain: &[u8], cut: usize) {
        let mut bytes = Vec::with_capacity(plain.len() + 32);
        if let Some(cipher) = &mut self.peer {
            cipher.seal(plain, &mut bytes).unwrap();
        }
        let cut = cut.min(bytes.len());
        self.own += bytes.capacity();
        self.receive(&bytes[..cut]);
        self.receive(&bytes[cut..]);
        self.own -= bytes.capacity();
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.run_timers();
    }

    /// Does what is due; it must not be due again at the same time.
    fn run_timers(&mut self) {
        for _ in 0..8 {
            if self.session.poll_timeout().is_none_or(|due| due > self.now) {
                return;
            }
            let _ = self.session.handle_timeout(self.now);
            self.check();
        }
        panic!("the session is due at {:?} for ever in the state {}", self.now, self.state());
    }

    /// Takes what the session sends. Its peer can open and read each record.
    fn transmit(&mut self) {
        let start = self.output.len();
        let before_up = self.stage < Stage::Up;
        self.session.poll_transmit(self.now, &mut self.output);
        let sent = self.output.len() - start;
        assert!(sent <= TRANSMIT + 2 * UNIT, "{sent} bytes at once");
        assert!(!before_up || sent <= 4096, "{sent} bytes before the session is up");
        let Some(cipher) = &mut self.peer else { unreachable!("the test has the peer's keys") };
        let mut rest = &self.output[..];
        while let Some((head, more)) = rest.split_at_checked(2) {
            let size = usize::from(u16::from_be_bytes([head[0], head[1]]));
            let (record, more) = more.split_at_checked(size).expect("whole records");
            let plain = cipher.open(record).expect("a record that the peer can open");
            assert!(!plain.is_empty());
            assert!(!before_up || matches!(plain[0], HELLO | ADMISSION), "a frame before the session is up");
            rest = more;
        }
        assert!(rest.is_empty());
        self.output.clear();
        if self.session.backlog().bytes == 0 {
            self.queued = 0;
        }
    }

    /// Checks the events, and the memory after them.
    fn check(&mut self) {
        while let Some(event) = self.session.poll_event() {
            let stage = match event {
                Event::Hello { .. } => Stage::Hello,
                Event::Offered => Stage::Offered,
                Event::Up(_) => Stage::Up,
                Event::Goodbye => Stage::Goodbye,
                Event::Continued => panic!("this side has no token"),
                Event::Frame { .. } | Event::Definition(_) | Event::Probed { .. } | Event::Pause(_) => {
                    assert_eq!(self.stage, Stage::Up, "{event:?}");
                    continue;
                }
            };
            assert!(stage > self.stage, "{stage:?} after {:?}", self.stage);
            assert!(stage < Stage::Up || self.stage >= Stage::Hello, "{stage:?} after {:?}", self.stage);
            self.stage = stage;
        }
        let early = matches!(self.session.state, State::Exchanging(_) | State::Confirming(_) | State::Deciding(..));
        let Session { partial, plain, handshake_bytes, events, .. } = &self.session;
        let events = events.capacity() * mem::size_of::<Event>();
        assert!(partial.capacity() <= if early { 4096 } else { 2 * UNIT });
        assert!(plain.capacity() <= 2 * UNIT);
        assert!(handshake_bytes.capacity() <= 8192);
        assert!(events <= 2 * (self.fed / SMALLEST + 4) * mem::size_of::<Event>());
        let buffers = partial.capacity() + plain.capacity() + handshake_bytes.capacity() + events;
        let own = self.output.capacity() + self.own;
        let kept = usize::try_from(kept_bytes() - self.before).unwrap_or(0).saturating_sub(own + buffers);
        // The frames that this side sends wait in a vector for each lane.
        let most = FIXED + if early { 0 } else { REASSEMBLY } + 4 * self.queued;
        assert!(kept <= most, "{kept} bytes of {most} in the state {}", self.state());
    }

    /// After the last input the session ends within its times, and leaves no memory.
    fn finish(mut self) {
        let mut steps = 0;
        while let Some(due) = self.session.poll_timeout() {
            self.now = due.max(self.now);
            self.run_timers();
            self.transmit();
            steps += 1;
            assert!(steps < 100, "the session does not end without input: {}", self.state());
        }
        assert!(self.session.is_over());
    }
}

/// The bytes that both sides of a handshake send until they are up.
fn recorded() -> &'static [Vec<u8>; 2] {
    static RECORDED: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    RECORDED.get_or_init(handshake::recorded)
}

/// A peer without the cookie, which may repeat and change what it has recorded.
#[test]
fn any_bytes_of_a_stranger_in_any_slices_end_in_an_error_or_a_timeout() {
    let coverage = Coverage::new("bytes and times of a stranger");
    recorded();
    bolero::check!().with_iterations(4_000).with_max_len(400).for_each(|bytes: &[u8]| {
        let mut input = Input::new(bytes);
        let listens = input.bool();
        let (name, role) = if listens { ("b@x", Role::Listener) } else { ("a@x", Role::Dialler) };
        let now = Instant::now();
        // The same key gives the handshake that was recorded: its bytes are valid up to the changed one.
        let mut attacked = Attacked::new(config(name, role), now);
        let valid = &recorded()[usize::from(!listens)];
        let mut sent = valid[..input.below(valid.len() + 1)].to_vec();
        for _ in 0..input.below(3) {
            let at = input.below(sent.len().max(1));
            if let Some(byte) = sent.get_mut(at) {
                *byte ^= input.byte();
            }
        }
        sent.extend_from_slice(input.bytes(300));
        let mut rest = &sent[..];
        coverage.count(attacked.state());
        while !rest.is_empty() {
            let (slice, more) = rest.split_at((1 + input.below(80)).min(rest.len()));
            rest = more;
            attacked.receive(slice);
            match input.below(8) {
                0 => attacked.pass(Duration::from_millis(input.number() % 7000)),
                1 => attacked.transmit_clear(),
                2 => drop(attacked.session.handle_end()),
                3 => drop(attacked.session.admit(attacked.now, Default::default())),
                _ => {}
            }
            coverage.count(attacked.state());
        }
        if let State::Over(error) = &attacked.session.state {
            coverage.count(mem::discriminant(error));
        }
        attacked.transmit_clear();
        attacked.finish_clear();
    });
    let states = ["greeting", "noise", "confirming", "over"];
    coverage.finish(&states, &[]);
}

impl Attacked {
    /// Takes what the session sends to a peer whose keys the test does not have.
    fn transmit_clear(&mut self) {
        self.session.poll_transmit(self.now, &mut self.output);
        assert!(self.output.len() <= 4096);
        self.output.clear();
    }

    fn finish_clear(mut self) {
        let start = self.now;
        // The whole recorded handshake, unchanged, brings the session up.
        let early = !matches!(self.session.state, State::Up(_));
        for _ in 0..100 {
            let Some(due) = self.session.poll_timeout() else {
                assert!(!early || self.now - start <= TIMEOUT, "a handshake of {:?}", self.now - start);
                return;
            };
            self.now = due.max(self.now);
            self.run_timers();
            self.transmit_clear();
        }
        panic!("the session does not end without input: {}", self.state());
    }
}

#[test]
fn any_bytes_are_an_error_or_a_hello_and_preambles_have_a_bounded_size() {
    let coverage = Coverage::new("bytes that are decoded as a hello or a preamble");
    let Config { local, cluster, tick, .. } = config("a@x", Role::Dialler);
    let valid = hello::encode(&local, &cluster, tick, ReceiveLimits::of(&LIMITS)).unwrap();
    bolero::check!().with_iterations(20_000).with_max_len(512).for_each(|bytes: &[u8]| {
        for start in [bytes, &[b"GRNM", bytes].concat()] {
            for size in [preamble::offer_size(start), preamble::answer_size(start)] {
                if let Ok(preamble::Size::Exactly(size) | preamble::Size::AtLeast(size)) = size {
                    assert!(size <= 32);
                }
            }
        }
        let mut input = Input::new(bytes);
        let changed = match input.below(3) {
            0 => input.bytes(511).to_vec(),
            1 => {
                let mut changed = valid.clone();
                let at = input.below(changed.len());
                changed[at] = input.byte();
                changed
            }
            _ => hello_of(&mut input),
        };
        match hello::decode(&changed) {
            Ok(greeted) => {
                coverage.count("hello");
                let PeerHello { hello, cluster, tick, receive_limits, .. } = &greeted.clone();
                assert!(*tick >= MIN_TICK && receive_limits.fragment >= 1024);
                assert!(receive_limits.frame <= receive_limits.reassembly && receive_limits.lanes >= 1);
                let again = hello::encode(hello, cluster, *tick, *receive_limits).expect("a hello within the bounds");
                // With the features of this version.
                let greeted = PeerHello { features: hello::CAN_PAUSE, ..greeted };
                assert_eq!(hello::decode(&again).as_ref(), Ok(&greeted));
            }
            Err(error) => coverage.count(mem::discriminant(&error)),
        }
    });
    coverage.finish(&["hello"], &[]);
}

/// A hello with arbitrary values, or with arbitrary fields.
fn hello_of(input: &mut Input<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let odd = input.below(20);
    for tag in [1, 2, 3, 4, 5, 7, 9, 11, 13, 15, 17, 18, 19_u64] {
        let mut value = Vec::new();
        match tag {
            1 => value.extend_from_slice([&b"c@x"[..], b"a@x", b"b@x", b"", b"\xff"][input.below(12).min(4) % 5]),
            7 => value.extend_from_slice(if odd == 7 { b"other" } else { b"test" }),
            2 => value.extend_from_slice(b"host"),
            5 => value.extend_from_slice(&input.number().to_le_bytes()),
            9 if odd != 9 => varint::put(&mut value, 10 + input.number().min(100_000)),
            11 if odd != 11 => varint::put(&mut value, 1024_u64.saturating_add(input.number())),
            _ => varint::put(&mut value, input.number()),
        }
        if tag == 18 && odd != 18 || tag == 19 && odd != 19 || odd == 6 && tag == 5 {
            continue;
        }
        varint::put(&mut out, tag);
        varint::put(&mut out, value.len() as u64);
        out.extend_from_slice(&value);
    }
    out
}

fn put_definition(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = Vec::new();
    write(&mut bytes);
    out.push(DEFINITION);
    varint::put(out, bytes.len() as u64);
    out.extend_from_slice(&bytes);
}

/// One chunk: valid, of the wrong time, or arbitrary bytes.
fn put_chunk(input: &mut Input<'_>, out: &mut Vec<u8>) {
    match input.below(15) {
        0 => out.push(TICK),
        1 => out.push(PROBE_REQUEST),
        2 => out.push(PROBE_ANSWER),
        3 => {
            out.push(ACKNOWLEDGEMENT);
            varint::put(out, input.number());
        }
        4 => {
            out.push(16 + input.below(16) as u8);
            let bytes = input.bytes(30);
            varint::put(out, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
        5 => out.extend_from_slice(input.bytes(12)),
        6 if input.below(8) == 0 => out.push(GOODBYE),
        // A whole frame.
        7..=9 => {
            let mut frame = Vec::new();
            let frame_of_peer = input.frame(KNOWN, 1);
            // The names are new, defined, or have numbers that the peer has not defined.
            let numbers = match input.below(8) {
                0..=4 => Numbers::default(),
                known => {
                    let mut names = SentNames::default();
                    let numbers = frame_of_peer.numbers(&mut names, Some(&Definition::sample(1, "shop::Orders")));
                    for definition in names.take_definitions().iter().skip(known % 2) {
                        put_definition(out, |bytes| definition.encode(bytes));
                    }
                    numbers
                }
            };
            if frame_of_peer.encode(numbers, &mut frame).is_ok() {
                out.push(FIRST | LAST);
                varint::put(out, input.number());
                varint::put(out, frame.len() as u64);
                out.extend_from_slice(&frame);
            }
        }
        10 => put_definition(out, |bytes| {
            bytes.push(input.below(3) as u8);
            bytes.extend_from_slice(input.bytes(40));
        }),
        // A piece of a large one, in few lanes. It starts as a message does.
        kind => {
            let piece = [0, FIRST, FIRST, LAST][kind % 4];
            let length = [1, 100, 9_000, 16_384, 16_385][input.below(5)];
            out.push(piece);
            varint::put(out, input.below(5) as u64);
            varint::put(out, length as u64);
            let start = out.len();
            out.extend_from_slice(&[0, 1, 0, 1, 1]);
            out.resize(start + length, 0);
        }
    }
    out.truncate(cipher::PLAIN);
}

/// A peer that has the cookie and sends any record in any state, while this side admits, sends, probes and closes.
#[test]
fn any_records_of_a_peer_with_the_cookie_in_any_state_leave_the_session_within_its_bounds() {
    let coverage = Coverage::new("records of a peer that has the cookie");
    bolero::check!().with_iterations(4_000).with_max_len(1024).for_each(|bytes: &[u8]| {
        let mut input = Input::new(bytes);
        // The peer's hello is `c@x`, `a@x` or `b@x`: this side decides, does not decide, or has the same name.
        let (name, role) = [("b@x", Role::Listener), ("d@x", Role::Dialler)][input.below(2)];
        let local = Config { limits: LIMITS, ..config(name, role) };
        let mut attacked = Attacked::authenticated(local, Instant::now());
        let mut plain = Vec::with_capacity(2 * UNIT);
        attacked.own = plain.capacity();
        // Most inputs start in a later state.
        attacked.advance(input.below(16));
        while !input.is_empty() && !matches!(attacked.session.state, State::Over(_)) {
            plain.clear();
            let state = attacked.state();
            coverage.count(state);
            let now = attacked.now;
            match input.below(24) {
                // The record that is expected, so that later states are reached.
                0..=7 if state == "confirming" => {
                    let hello = hello_of(&mut input);
                    plain.push(HELLO);
                    varint::put(&mut plain, hello.len() as u64);
                    plain.extend_from_slice(&hello);
                    attacked.receive_record(&plain, input.below(300));
                }
                0..=7 if state == "deciding" || state == "offered" => {
                    drop(attacked.session.admit(now, Default::default()));
                }
                0..=7 | 22 if attacked.stage < Stage::Up => {
                    plain.push(ADMISSION);
                    varint::put(&mut plain, if input.below(8) == 7 { input.number() } else { 0 });
                    attacked.receive_record(&plain, input.below(20));
                }
                0..=13 => {
                    for _ in 0..=input.below(6) {
                        put_chunk(&mut input, &mut plain);
                    }
                    attacked.receive_record(&plain, input.below(UNIT - 1));
                }
                // Bytes that no peer has sealed.
                14 if input.below(4) == 0 => attacked.receive(input.bytes(40)),
                15 => attacked.pass(Duration::from_millis(input.number() % 70_000)),
                16 => drop(attacked.session.admit(now, Default::default())),
                17 if input.below(8) == 0 => drop(attacked.session.refuse(now, Refusal::NotAllowed)),
                18 => attacked.session.probe(now),
                19 if input.below(2) == 0 => attacked.session.close(now),
                20 | 21 => {
                    let frame = message(input.below(4) as u64, input.below(25_000));
                    let lane = input.below(4) as u64;
                    if attacked.queued < 200_000 && attacked.session.send_frame(lane, &frame).is_ok() {
                        attacked.queued += size_of(&frame) + 256;
                    }
                }
                _ => attacked.transmit(),
            }
            attacked.check();
            if attacked.session.closing != Closing::No {
                coverage.count(attacked.state());
            }
        }
        coverage.count(attacked.state());
        if let State::Over(error) = &attacked.session.state {
            match error {
                SessionError::Record(what) | SessionError::Handshake(what) => coverage.count(what),
                error => coverage.count(format!("{error:?}").split([' ', '(']).next()),
            }
        }
        attacked.transmit();
        attacked.finish();
    });
    let states = [
        "confirming",
        "deciding",
        "deciding, has admitted",
        "awaiting the decision",
        "offered",
        "up",
        "up, closing",
        "up, goodbye sent",
        "a chunk of no known kind",
    ];
    coverage.finish(&states, &["TooManyLanes", "TooManyBytes", "FrameTooLarge", "SameName", "Silent", "Forged"]);
}
