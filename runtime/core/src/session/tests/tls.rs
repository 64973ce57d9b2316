//! Sessions of nodes with certificates.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;

use super::*;
use crate::authority::{Authority, Contents, DAY, Issued, VALID};
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};

/// A clock that is this many seconds ahead.
#[derive(Debug, Default)]
struct Ahead(AtomicU64);

impl TimeProvider for Ahead {
    fn current_time(&self) -> Option<UnixTime> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Some(UnixTime::since_unix_epoch(now + Duration::from_secs(self.0.load(Ordering::Relaxed))))
    }
}

/// A dialler that sends no certificate.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

fn credentials_at(
    ahead: &Arc<Ahead>,
    authorities: &[&Authority],
    issued: &Issued,
) -> Result<Credentials, CredentialsError> {
    let ders = |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect::<Vec<_>>();
    let material = KeyMaterial {
        authorities: authorities.iter().flat_map(|authority| ders(&authority.pem())).collect(),
        chain: ders(&issued.certificate),
        key: PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap(),
    };
    let roles = BTreeSet::from(["monitor".to_owned()]);
    Credentials::new(material, Arc::new(roles), Arc::clone(ahead) as _)
}

fn credentials(authorities: &[&Authority], issued: &Issued) -> Credentials {
    credentials_at(&Arc::default(), authorities, issued).unwrap()
}

fn with(credentials: Credentials, config: Config) -> Config {
    Config { security: Security::Certificates(Arc::new(credentials)), ..config }
}

fn dialler(credentials: Credentials) -> Config {
    with(credentials, config("a@x", Role::Dialler))
}

fn listener(credentials: Credentials) -> Config {
    with(credentials, config("b@x", Role::Listener))
}

/// Returns a dialler and a listener with certificates of one authority.
fn configs(authority: &Authority) -> (Config, Config) {
    let of = |node| credentials(&[authority], &authority.issue(node));
    (dialler(of("a@x")), listener(of("b@x")))
}

/// Runs a handshake, and returns its results at the dialler and at the listener.
fn ends(dialler: Config, listener: Config) -> [Result<Option<String>, SessionError>; 2] {
    let mut pair = Pair::of(dialler, listener);
    let mut roles = [None, None];
    pair.run();
    let Pair { dialler, listener, .. } = &mut pair;
    for (side, role) in [dialler, listener].into_iter().zip(&mut roles) {
        *role = side.role.clone();
        if side.result.is_ok() && !side.is_up() {
            side.result = side.session.handle_end().map_or(Ok(()), Err);
        }
        assert!(side.is_up() || side.events.is_empty(), "an event of a session that never was up");
    }
    let [at_dialler, at_listener] = roles;
    [pair.dialler.result.map(|()| at_dialler), pair.listener.result.map(|()| at_listener)]
}

fn bad(fault: CertificateFault) -> SessionError {
    SessionError::Certificate(fault)
}

#[test]
fn two_nodes_with_certificates_of_one_authority_connect() {
    let authority = Authority::new("shop");
    let (dialler, listener) = configs(&authority);
    for slice in [1, 7, 1000, usize::MAX] {
        let mut pair = Pair::of(dialler.clone(), listener.clone());
        pair.run_sliced(|left| left.min(slice));
        assert!(pair.dialler.is_up() && pair.listener.is_up(), "{slice}");
        let sizes = [1, 1000, 16_384, 70_000, 300_000];
        for size in sizes {
            pair.dialler.session.send_frame(1, &message(1, size)).unwrap();
            pair.listener.session.send_frame(2, &message(2, size)).unwrap();
        }
        pair.run_sliced(|left| left.min(slice.max(1000)));
        for (side, from) in [(&pair.dialler, 2), (&pair.listener, 1)] {
            let sent: Vec<_> = sizes.map(|size| message(from, size)).into();
            assert!(side.frames().into_iter().eq(&sent), "{slice}: {} frames", side.frames().len());
        }
    }
}

#[test]
fn a_certificate_may_come_with_those_up_to_an_authority() {
    let root = Authority::new("shop");
    let branch = root.intermediate("branch");
    let mut issued = branch.issue("a@x");
    assert!(matches!(
        credentials_at(&Arc::default(), &[&root], &issued),
        Err(CredentialsError::Certificate(CertificateFault::UnknownAuthority))
    ));
    issued.certificate += &branch.pem();
    let (dialler, listener) = (credentials(&[&root], &issued), credentials(&[&root], &root.issue("b@x")));
    assert_eq!(ends(self::dialler(dialler), self::listener(listener)), [Ok(None), Ok(None)]);
}

#[test]
fn each_fault_of_a_certificate_is_refused_with_its_reason_on_both_sides() {
    let (ours, theirs) = (Authority::new("shop"), Authority::new("rival"));
    let a = ours.issue("a@x");
    let b = |contents| credentials(&[&ours], &ours.issue_with(&contents));
    let name = |text| NodeName::new(text).unwrap();
    let refused = |refusal| SessionError::Refused(refusal);
    let namesake = Authority::new("shop");
    for (of_b, at_other, at_b) in [
        (
            credentials(&[&ours, &theirs], &theirs.issue("b@x")),
            bad(CertificateFault::UnknownAuthority),
            SessionError::CertificateRefused("the peer does not trust the authority that has issued it"),
        ),
        (
            credentials(&[&ours, &namesake], &namesake.issue("b@x")),
            bad(CertificateFault::Signature),
            SessionError::CertificateRefused("it has a wrong signature"),
        ),
        (
            // Another node's certificate.
            b(Contents { uris: &["greenroom:c@x", "greenroom:d@x"], ..VALID }),
            bad(CertificateFault::OtherName { node: name("b@x"), certified: vec![name("c@x"), name("d@x")] }),
            refused(Refusal::CertifiedName),
        ),
        (b(VALID), bad(CertificateFault::NoName), refused(Refusal::CertifiedName)),
        (
            // Names that look like the right one.
            b(Contents {
                uris: &["greenroom:B@x", "greenroom:b@x/", "greenroom://b@x", "https://b@x", "b@x"],
                ..VALID
            }),
            bad(CertificateFault::OtherName {
                node: name("b@x"),
                certified: vec![name("B@x"), name("b@x/"), name("//b@x")],
            }),
            refused(Refusal::CertifiedName),
        ),
        (
            b(Contents { uris: &["greenroom:b@x", "greenroom-role:monitor", "greenroom-role:admin"], ..VALID }),
            bad(CertificateFault::ManyRoles),
            refused(Refusal::CertifiedRoles),
        ),
        (
            b(Contents { uris: &["greenroom:b@x", "greenroom-role:admin"], ..VALID }),
            bad(CertificateFault::UnknownRole("admin".into())),
            refused(Refusal::UnknownRole),
        ),
    ] {
        let of_b = Security::Certificates(Arc::new(of_b));
        let with = |name, role, security: Security| Config { security, ..config(name, role) };
        for (a_dials, expected) in [(true, [&at_other, &at_b]), (false, [&at_b, &at_other])] {
            let of_a = Security::Certificates(Arc::new(credentials(&[&ours], &a)));
            let results = match a_dials {
                true => ends(with("a@x", Role::Dialler, of_a), with("b@x", Role::Listener, of_b.clone())),
                false => ends(with("b@x", Role::Dialler, of_b.clone()), with("a@x", Role::Listener, of_a)),
            };
            assert_eq!(results, expected.map(|error| Err(error.clone())), "a dials: {a_dials}");
        }
    }
}

#[test]
fn a_peer_without_a_certificate_is_refused() {
    let authority = Authority::new("shop");
    let (_, listener) = configs(&authority);
    let mut none = credentials(&[&authority], &authority.issue("a@x"));
    none.client().client_auth_cert_resolver = Arc::new(NoCertificate);
    let expected = [SessionError::CertificateRefused("it was not sent"), bad(CertificateFault::Missing)]
        .map(Err::<Option<String>, _>);
    assert_eq!(ends(dialler(none), listener), expected);
}

#[test]
fn certificates_are_valid_by_the_clock_of_the_node_that_verifies_them() {
    let authority = Authority::new("shop");
    let issued = |node: &str, valid| {
        let uri = format!("greenroom:{node}");
        authority.issue_with(&Contents { uris: &[&uri], valid, ..VALID })
    };
    let alert = SessionError::CertificateRefused("by the peer's clock it has expired, or is not valid yet");
    let at = Arc::<Ahead>::default();
    let listener = credentials_at(&at, &[&authority], &authority.issue("b@x")).unwrap();
    let listener = self::listener(listener);
    let short = dialler(credentials(&[&authority], &issued("a@x", -DAY..DAY)));
    assert_eq!(ends(short.clone(), listener.clone()), [Ok(None), Ok(None)]);
    at.0.store(2 * DAY as u64, Ordering::Relaxed);
    // The second connection does not resume the first one.
    assert_eq!(ends(short, listener.clone()), [Err(alert.clone()), Err(bad(CertificateFault::Expired))]);

    let later = Arc::new(Ahead((10 * DAY as u64).into()));
    let early = credentials_at(&later, &[&authority], &issued("a@x", 5 * DAY..20 * DAY)).unwrap();
    let early = dialler(early);
    assert_eq!(ends(early.clone(), listener.clone()), [Err(alert), Err(bad(CertificateFault::NotYetValid))]);
    at.0.store(6 * DAY as u64, Ordering::Relaxed);
    assert_eq!(ends(early, listener), [Ok(None), Ok(None)]);
}

#[test]
fn a_role_is_in_the_certificate() {
    let authority = Authority::new("shop");
    let (_, listener) = configs(&authority);
    let uris = ["greenroom:c@x", "greenroom-role:monitor", "greenroom:a@x", "spiffe://x/a"];
    let monitor = authority.issue_with(&Contents { uris: &uris, ..VALID });
    let dialler = dialler(credentials(&[&authority], &monitor));
    assert_eq!(ends(dialler, listener), [Ok(None), Ok(Some("monitor".into()))]);
}

#[test]
fn a_node_does_not_load_a_certificate_that_its_peers_would_refuse() {
    let (authority, other) = (Authority::new("shop"), Authority::new("rival"));
    let load = |issued: &Issued| credentials_at(&Arc::default(), &[&authority], issued).map(drop).unwrap_err();
    let fault = CredentialsError::Certificate;
    let with = |change: fn(&mut Contents<'_>)| {
        let mut contents = Contents { uris: &["greenroom:a@x"], ..VALID };
        change(&mut contents);
        authority.issue_with(&contents)
    };
    assert_eq!(load(&other.issue("a@x")), fault(CertificateFault::UnknownAuthority));
    assert_eq!(load(&with(|contents| contents.valid = -DAY..-1)), fault(CertificateFault::Expired));
    assert_eq!(load(&with(|contents| contents.valid = DAY..2 * DAY)), fault(CertificateFault::NotYetValid));
    assert_eq!(load(&with(|contents| contents.usages = &[ServerAuth])), fault(CertificateFault::Usage));
    assert_eq!(load(&with(|contents| contents.usages = &[ClientAuth])), fault(CertificateFault::Usage));
    let other_key = Issued { key: authority.issue("a@x").key, ..authority.issue("a@x") };
    assert_eq!(load(&other_key), CredentialsError::OtherKey);
    credentials(&[&authority], &with(|contents| contents.usages = &[ClientAuth, ServerAuth]));
}

#[test]
fn a_node_expires_with_the_first_certificate_of_its_chain() {
    let root = Authority::new("shop");
    let branch = root.intermediate("branch");
    let now = Ahead::default().current_time().unwrap().as_secs();
    let days = |issued: &Issued| (credentials(&[&root], issued).expires().as_secs() + 60 - now) / DAY as u64;
    assert_eq!(days(&root.issue("a@x")), 30);
    let mut issued = branch.issue_with(&Contents { uris: &["greenroom:a@x"], valid: -DAY..3 * DAY, ..VALID });
    issued.certificate += &branch.pem();
    assert_eq!(days(&issued), 3);
}

#[test]
fn a_cookie_and_certificates_do_not_mix() {
    let authority = Authority::new("shop");
    let (dialler, listener) = configs(&authority);
    let certificates = || Err(SessionError::PeerHasCertificates);
    let cookie = || Err(SessionError::PeerHasCookie);
    assert_eq!(ends(dialler, config("b@x", Role::Listener)), [cookie(), certificates()]);
    assert_eq!(ends(config("a@x", Role::Dialler), listener), [certificates(), cookie()]);
}

/// Returns the result and the answer of a session that receives these bytes, one at a time.
fn receive(config: Config, bytes: &[u8]) -> (Result<(), SessionError>, Vec<u8>) {
    let now = Instant::now();
    let mut side = Side::new(config, now);
    let mut answer = Vec::new();
    side.session.poll_transmit(now, &mut answer);
    answer.clear();
    for byte in bytes {
        side.receive(now, &[*byte]);
        if side.result.is_err() {
            break;
        }
    }
    side.session.poll_transmit(now, &mut answer);
    assert!(side.events.is_empty());
    (side.result, answer)
}

#[test]
fn strangers_at_a_node_with_certificates() {
    let (dialler, listener) = configs(&Authority::new("shop"));
    let is_tls = |result: &Result<(), SessionError>| matches!(result, Err(SessionError::Tls(_)));
    for (bytes, expected, answer) in [
        (&b"GET / HTTP/1.1\r\n"[..], Err(SessionError::Magic), &b""[..]),
        (b"GRNX", Err(SessionError::Magic), b""),
        // A client of TLS that is not a node.
        (b"\x16\x03\x01\x00\x05", Err(SessionError::Magic), b""),
        (b"GRN", Ok(()), b""),
        (b"GRNT", Ok(()), b"GRNT"),
        // The bytes of a node with a cookie: it has no way in, whatever follows.
        (b"GRNM\x01\x00\x01", Err(SessionError::PeerHasCookie), b"GRNT"),
    ] {
        assert_eq!(receive(listener.clone(), bytes), (expected, answer.to_vec()), "{bytes:?}");
    }
    for bytes in [&b"GRNTGET / HTTP/1.1\r\n"[..], b"GRNT\x17\x03\x03\x00\x01x", b"GRNT\x16\x03\x03\xff\xff"] {
        let (result, answer) = receive(listener.clone(), bytes);
        assert!(is_tls(&result), "{bytes:?}: {result:?}");
        assert!(answer.starts_with(b"GRNT\x15\x03\x03\0\x02\x02"), "an alert: {answer:?}");
    }
    assert_eq!(receive(dialler.clone(), b"GRNM\x00\x01"), (Err(SessionError::PeerHasCookie), vec![]));
    assert_eq!(receive(dialler.clone(), b"HTTP/1.1 400"), (Err(SessionError::Magic), vec![]));
    assert!(is_tls(&receive(dialler, b"GRNTGRNM\x00\x01").0));
}

/// Carries the bytes of a handshake, of which `change` gets each piece with its number and direction.
fn tampered(configs: &(Config, Config), mut change: impl FnMut(usize, bool, &mut Vec<u8>)) -> Pair {
    let mut pair = Pair::of(configs.0.clone(), configs.1.clone());
    for piece in 0..8 {
        let Pair { now, dialler, listener } = &mut pair;
        let sends = piece % 2 == 0;
        let (from, to) = if sends { (dialler, listener) } else { (listener, dialler) };
        let mut bytes = Vec::new();
        from.session.poll_transmit(*now, &mut bytes);
        change(piece, sends, &mut bytes);
        if to.result.is_ok() {
            to.receive(*now, &bytes);
        }
    }
    pair
}

/// Returns `true` for the version in the header of a record in clear, which TLS 1.3 ignores.
fn is_ignored(bytes: &[u8], at: usize) -> bool {
    let mut start = if bytes.starts_with(b"GRNT") { 4 } else { 0 };
    while let Some(&[kind, _, _, high, low]) = bytes.get(start..).and_then(<[u8]>::first_chunk) {
        if (start + 1..start + 3).contains(&at) {
            return kind != 23;
        }
        start += 5 + usize::from(u16::from_be_bytes([high, low]));
    }
    false
}

#[test]
fn a_changed_byte_ends_the_handshake() {
    let configs = configs(&Authority::new("shop"));
    let mut sizes = Vec::new();
    let pair = tampered(&configs, |_, _, bytes| sizes.push(bytes.len()));
    assert!(pair.dialler.is_up() && pair.listener.is_up());
    let mut random = Random(5);
    for piece in 0..sizes.len() {
        for _ in 0..10.min(sizes[piece]) {
            let mut changed = None;
            let pair = tampered(&configs, |number, _, bytes| {
                if number == piece && !bytes.is_empty() {
                    let at = random.below(bytes.len());
                    changed = (!is_ignored(bytes, at)).then_some(at);
                    bytes[at] ^= 1 << random.below(8);
                }
            });
            let Some(at) = changed else { continue };
            let both_up = pair.dialler.is_up() && pair.listener.is_up();
            assert!(!both_up, "byte {at} of piece {piece} of {sizes:?}");
            let frames = [&pair.dialler, &pair.listener].map(|side| side.frames().len());
            assert_eq!(frames, [0, 0]);
        }
    }
}

#[test]
fn a_recorded_handshake_of_tls_is_of_no_use() {
    let configs = configs(&Authority::new("shop"));
    let mut recorded = Vec::new();
    tampered(&configs, |_, dialler_sends, bytes| {
        if dialler_sends {
            recorded.extend_from_slice(bytes);
        }
    });
    let now = Instant::now();
    let mut side = Side::new(configs.1.clone(), now);
    side.receive(now, &recorded);
    assert_eq!(side.result, Err(SessionError::Forged));
    assert!(side.events.is_empty());
}

#[test]
fn a_handshake_of_tls_that_stops_ends_by_its_timeout() {
    let configs = configs(&Authority::new("shop"));
    for stop in 0..6 {
        let pair = tampered(&configs, |number, _, bytes| {
            if number >= stop {
                bytes.clear();
            }
        });
        let mut ends = 0;
        for mut side in [pair.dialler, pair.listener] {
            if side.is_up() {
                continue;
            }
            assert_eq!(side.result, Ok(()));
            let due = side.session.poll_timeout().unwrap();
            assert_eq!(due, pair.now + TIMEOUT);
            assert_eq!(side.session.handle_timeout(due), Err(SessionError::Slow));
            ends += 1;
        }
        assert!(ends > 0, "{stop}");
    }
}

/// Sends bytes that no session sends, at each stage: they lead to an error or to waiting, never to a panic or to much
/// memory.
#[test]
fn garbage_at_each_stage_of_tls() {
    let configs = configs(&Authority::new("shop"));
    let mut random = Random(11);
    for _ in 0..60 {
        let stage = random.below(8);
        let count = 1 + random.below(100_000);
        let kind = [20, 21, 22, 23, random.below(256) as u8][random.below(5)];
        let length = random.below(20_000) as u16;
        let pair = tampered(&configs, |piece, _, bytes| {
            if piece == stage {
                bytes.extend_from_slice(&[kind, 3, 3]);
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend((0..count).map(|_| random.below(256) as u8));
            }
        });
        for side in [&pair.dialler, &pair.listener] {
            assert!(side.frames().is_empty());
            assert!(side.session.inside.capacity() + side.session.partial.capacity() <= 4 * 65_537);
        }
    }
}
