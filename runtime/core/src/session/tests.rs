//! Two sessions on a virtual clock. The test carries the bytes between them.

mod admission;
mod handshake;
mod heartbeat;
mod hostile;
mod lanes;
mod node_reassembly;
mod pause;
mod records;
#[cfg(feature = "tls")]
mod tls;

use super::*;
use crate::base::{NodeId, NodeName};
use crate::wire::{FrameTarget, MeshKind, Metadata, Numbers, WireError};

/// Xorshift, so that a failure repeats with its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// One session, the bytes that it sent and the events that it returned.
struct Side {
    session: Session,
    /// On its way to the other side.
    output: Vec<u8>,
    events: Vec<Event>,
    /// The role in the peer's certificate.
    role: Option<String>,
    /// The decision on a peer, instead of admission.
    refusal: Option<Refusal>,
    /// The tokens with which it admits the other one.
    tokens: Tokens,
    result: Result<(), SessionError>,
}

impl Side {
    fn new(config: Config, now: Instant) -> Side {
        Side {
            session: Session::new(config, now),
            output: Vec::new(),
            events: Vec::new(),
            role: None,
            refusal: None,
            tokens: Tokens::default(),
            result: Ok(()),
        }
    }

    fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.result = self.session.handle_bytes(now, bytes);
        while let Some(event) = self.session.poll_event() {
            if let Event::Hello { role, .. } = &event {
                self.role.clone_from(role);
            }
            match event {
                Event::Hello { decides: true, .. } | Event::Offered => {
                    self.result = match self.refusal {
                        None => self.session.admit(now, self.tokens),
                        Some(refusal) => self.session.refuse(now, refusal),
                    };
                }
                Event::Hello { .. } => {}
                event => self.events.push(event),
            }
        }
    }

    fn frames(&self) -> Vec<&Frame> {
        let frames = self.events.iter().filter_map(|event| match event {
            Event::Frame { frame, .. } => Some(frame),
            _ => None,
        });
        frames.collect()
    }

    fn is_up(&self) -> bool {
        matches!(self.session.state, State::Up(_))
    }

    fn cipher(&mut self) -> &mut Cipher {
        match &mut self.session.state {
            State::Up(cipher) | State::Confirming(cipher) | State::Deciding(cipher, _) => cipher,
            _ => panic!("no keys yet"),
        }
    }
}

impl Session {
    fn send_frame(&mut self, lane: u64, frame: &Frame) -> Result<(), SendError> {
        self.send(lane, encoded(frame, Numbers::default()).unwrap())
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

    /// Carries all bytes between the two, until no bytes are left or one side has failed.
    fn run(&mut self) {
        self.run_sliced(|left| left);
    }

    /// Carries all bytes in slices: `slice` gets the number of bytes that are left and returns the size of the next
    /// one.
    fn run_sliced(&mut self, mut slice: impl FnMut(usize) -> usize) {
        loop {
            let mut quiet = true;
            for dialler_sends in [true, false] {
                let (from, to) = match dialler_sends {
                    true => (&mut self.dialler, &mut self.listener),
                    false => (&mut self.listener, &mut self.dialler),
                };
                from.session.poll_transmit(self.now, &mut from.output);
                let bytes = mem::take(&mut from.output);
                let mut left = &bytes[..];
                while !left.is_empty() && to.result.is_ok() {
                    let (piece, rest) = left.split_at(slice(left.len()).clamp(1, left.len()));
                    to.receive(self.now, piece);
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
        local: Hello {
            node,
            advertise: Some(format!("{name}:9100")),
            instance,
            metadata: Metadata::new(),
            mesh: MeshKind::Full,
            reads_contexts: true,
        },
        security: Security::Cookie(CookieKey::derive(b"sixteen bytes or more").into()),
        cluster: "test".into(),
        role,
        limits: Limits::default(),
        reassembly: Limits::default().reassembly_budget(),
        tick: Duration::from_secs(60),
        ephemeral: EphemeralKey::Fixed([name.as_bytes()[0]; 32]),
    }
}

fn message(from: u64, size: usize) -> Frame {
    let payload: Vec<u8> = (0..size).map(|at| (at as u64).wrapping_mul(from + 1) as u8).collect();
    let to = FrameTarget::Process(from);
    Frame::Message { from, to, protocol: 1, variant: 2, replies: Vec::new(), context: None, payload: payload.into() }
}

fn size_of(frame: &Frame) -> usize {
    let mut bytes = Vec::new();
    frame.encode(Numbers::default(), &mut bytes).unwrap();
    bytes.len()
}

fn encoded(frame: &Frame, numbers: Numbers) -> Result<Encoded, WireError> {
    let mut bytes = Vec::new();
    frame.encode(numbers, &mut bytes)?;
    Ok(bytes::Bytes::from(bytes).into())
}
