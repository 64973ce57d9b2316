//! Which peers a session accepts.

use super::*;

/// Runs a handshake of these two, and compares its result on both sides.
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
fn two_nodes_of_a_cluster_connect() {
    let pair = Pair::up();
    let hello = |name| config(name, Role::Dialler).local;
    assert_eq!(pair.dialler.events, [Event::Up(Box::new(hello("b@x")))]);
    assert_eq!(pair.listener.events, [Event::Up(Box::new(hello("a@x")))]);
    check(config("a@x", Role::Dialler), config("b@x", Role::Listener), Ok(()), Ok(()));
}

#[test]
fn other_nodes_are_refused() {
    let dialler = || config("a@x", Role::Dialler);
    let listener = || config("b@x", Role::Listener);
    let security = Security::Cookie(CookieKey::derive(b"another one altogether").into());
    let refused = || Err(SessionError::HungUp);
    check(dialler(), Config { security, ..listener() }, refused(), Err(SessionError::Cookie));
    let other = |theirs: &str, ours: &str| Err(SessionError::Cluster { theirs: theirs.into(), ours: ours.into() });
    let cluster = "other".into();
    check(dialler(), Config { cluster, ..listener() }, other("other", "test"), other("test", "other"));
    // Each has the other's hello before the end of the stream.
    let same = NodeName::new("a@x").unwrap();
    let mut twin = listener();
    twin.local.node.name = same.clone();
    let error = || Err(SessionError::SameName(same.clone()));
    check(dialler(), twin, error(), error());
    let itself = config("a@x", Role::Listener);
    check(dialler(), itself, Err(SessionError::Reflected), Err(SessionError::Reflected));
    let mut silly = listener();
    silly.local.advertise = Some("x".repeat(513));
    let long = SessionError::Handshake("this node's address or cluster name is too long");
    check(dialler(), silly, refused(), Err(long));
}

/// Checks whether a dialler with these cookies reaches a listener with those: the first is its own, the second is
/// accepted.
#[track_caller]
fn check_cookies(dialler: (&str, Option<&str>), listener: (&str, Option<&str>), connects: bool) {
    let security = |(own, accepted): (&str, Option<&str>)| {
        Security::Cookie(CookieKeys {
            own: CookieKey::derive(own.as_bytes()),
            accepted: accepted.map(|cookie| CookieKey::derive(cookie.as_bytes())),
        })
    };
    let dialler = Config { security: security(dialler), ..config("a@x", Role::Dialler) };
    let listener = Config { security: security(listener), ..config("b@x", Role::Listener) };
    let results = if connects { (Ok(()), Ok(())) } else { (Err(SessionError::HungUp), Err(SessionError::Cookie)) };
    check(dialler, listener, results.0, results.1);
}

#[test]
fn a_node_dials_with_its_own_cookie_and_accepts_a_second_one() {
    let (old, old_then_new) = (("old", None), ("old", Some("new")));
    let (new_then_old, new) = (("new", Some("old")), ("new", None));
    for (dialler, reached) in [
        (old, [true, true, true, false]),
        (old_then_new, [true, true, true, false]),
        (new_then_old, [false, true, true, true]),
        (new, [false, true, true, true]),
        (("third", Some("old")), [false; 4]),
    ] {
        for (listener, connects) in [old, old_then_new, new_then_old, new].into_iter().zip(reached) {
            check_cookies(dialler, listener, connects);
        }
    }
}

/// Checks the error and the answer to the bytes of a peer that is not a node of the cluster.
#[track_caller]
fn check_stranger(role: Role, bytes: &[u8], expected: Result<(), SessionError>, answer: &[u8]) {
    let now = Instant::now();
    let mut side = Side::new(config("a@x", role), now);
    if role == Role::Dialler {
        side.session.poll_transmit(now, &mut Vec::new());
    }
    for byte in bytes {
        side.receive(now, &[*byte]);
        if side.result.is_err() {
            break;
        }
    }
    assert_eq!(side.result, expected, "{bytes:?}");
    side.session.poll_transmit(now, &mut side.output);
    assert_eq!(side.output, answer, "{bytes:?}");
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

/// The handshake's bytes in both directions, as an attacker records them.
pub(super) fn recorded() -> [Vec<u8>; 2] {
    let mut pair = Pair::new();
    let mut output = [Vec::new(), Vec::new()];
    for _ in 0..4 {
        for (sender, bytes) in output.iter_mut().enumerate() {
            let (from, to) = match sender {
                0 => (&mut pair.dialler, &mut pair.listener),
                _ => (&mut pair.listener, &mut pair.dialler),
            };
            let start = bytes.len();
            from.session.poll_transmit(pair.now, bytes);
            to.receive(pair.now, &bytes[start..]);
        }
    }
    assert!(pair.dialler.is_up() && pair.listener.is_up());
    output
}

#[test]
fn a_handshake_that_is_cut_at_any_byte_ends_by_its_timeout() {
    let [dialler, _] = recorded();
    for cut in 0..dialler.len() {
        let now = Instant::now();
        let mut config = config("b@x", Role::Listener);
        config.ephemeral = EphemeralKey::Fixed([b'b'; 32]);
        let mut side = Side::new(config, now);
        side.receive(now, &dialler[..cut]);
        assert_eq!(side.result, Ok(()));
        assert!(!side.is_up());
        let due = side.session.poll_timeout().unwrap();
        assert_eq!(due, now + TIMEOUT);
        assert_eq!(side.session.handle_timeout(due - Duration::from_nanos(1)), Ok(()));
        assert_eq!(side.session.handle_timeout(due), Err(SessionError::Slow));
        assert_eq!(side.session.poll_timeout(), None);
    }
}

#[test]
fn a_recorded_handshake_is_of_no_use() {
    let [dialler, listener] = recorded();
    let now = Instant::now();
    // With another key, which is what distinguishes one session from another.
    let mut side = Side::new(Config { ephemeral: EphemeralKey::Fixed([9; 32]), ..config("b@x", Role::Listener) }, now);
    side.receive(now, &dialler);
    assert_eq!(side.result, Err(SessionError::Forged));
    assert!(side.events.is_empty());
    let mut side = Side::new(Config { ephemeral: EphemeralKey::Fixed([9; 32]), ..config("a@x", Role::Dialler) }, now);
    side.session.poll_transmit(now, &mut Vec::new());
    side.receive(now, &listener);
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
        side.receive(now, &bytes);
        assert!(!side.is_up(), "bit {bit}");
        assert!(side.events.is_empty(), "bit {bit}");
        // A length that has grown leaves the session waiting, for five seconds.
        let waits = side.result.is_ok() && side.session.handle_timeout(now + TIMEOUT).is_err();
        assert!(waits || side.result.is_err(), "bit {bit}");
    }
}

/// Sends bytes that no session sends, at each stage: they lead to an error or to waiting, never to a panic or to much
/// memory.
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
            side.receive(now, slice);
        }
        assert!(side.frames().is_empty());
        assert!(side.session.partial.capacity() <= 2 * 65_537);
    }
}
