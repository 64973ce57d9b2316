//! Nodes on real sockets, and hostile connections.

use std::future::Future;

use greenroom::prelude::*;
use greenroom::{EncodeError, Node, NodeError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval, timeout};

use super::echo_server::{EchoServerRef, echo_server};

/// The handshake limit.
const PATIENCE: Duration = Duration::from_secs(5);
/// The number of concurrent handshakes.
const HANDSHAKES: usize = 64;
/// The preamble of a dialler: version 1 of the wire.
const OFFER: &[u8] = b"GRNM\x01\x00\x01";

/// A node with an echo server that listens at a free port.
async fn server(cookie: &Cookie) -> (Node, String) {
    let node = Node::builder("server@test").cookie(cookie.clone()).listen("127.0.0.1:0").start().await.unwrap();
    echo_server(&node, "echo");
    let address = node.address().unwrap();
    assert!(!address.ends_with(":0"), "{address}");
    (node, address)
}

async fn dialler(name: &str, cookie: &Cookie, seed: &str) -> Node {
    Node::builder(name).cookie(cookie.clone()).seed(seed).start().await.unwrap()
}

/// Asserts that a member is admitted and served.
async fn serves(cookie: &Cookie, address: &str) {
    let node = dialler("member@test", cookie, address).await;
    let echo_server: EchoServerRef = node.named_at("echo", "server@test");
    assert_eq!(echo_server.echo("hello".into()).await.as_deref(), Ok("hello"));
    node.stop().await;
}

/// Waits until the condition holds, at most for the handshake limit.
async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let settled = async {
        while !so() {
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(2 * PATIENCE, settled).await.is_ok(), "{what}");
}

/// Sends these bytes from an unknown peer. The node must close the connection and count it.
async fn check(node: &Node, address: &str, bytes: &[u8]) {
    let refused = node.counters().refused_connections;
    let begin = bytes[..bytes.len().min(20)].escape_ascii().to_string();
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The node may have closed the connection before it read everything.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let hung_up = timeout(PATIENCE / 2, stream.read_to_end(&mut answer)).await;
    assert!(hung_up.is_ok(), "the node listens on to {begin}");
    assert!(answer.len() <= 200, "{} bytes for {begin}", answer.len());
    eventually(&begin, || node.counters().refused_connections > refused).await;
    assert!(node.peers().iter().all(|peer| peer.as_str() != "stranger@test"));
}

#[greenroom::test(clock = real)]
async fn a_node_listens_only_where_it_is_configured_to() {
    assert_eq!(Node::current().address(), None);
    let node = Node::builder("a@test").start().await.unwrap();
    assert_eq!(node.address(), None);
    assert_eq!(node.peers(), []);
    let far: EchoServerRef = node.named_at("echo", "server@test");
    assert_eq!(far.echo("hello".into()).await, Err(CallErrorKind::NoConnection.into()));

    let cookie = Cookie::random().unwrap();
    let (server, address) = server(&cookie).await;
    let wrong = |builder: greenroom::NodeBuilder| async { builder.start().await.map(|_| ()).unwrap_err() };
    assert!(matches!(wrong(Node::builder("a@test").listen("127.0.0.1:0")).await, NodeError::NoCookie));
    assert!(matches!(wrong(Node::builder("a@test").seed(&address)).await, NodeError::NoCookie));
    assert!(matches!(wrong(Node::builder("a")).await, NodeError::Name(_)));
    assert!(matches!(wrong(Node::builder("a@test").tick(Duration::ZERO)).await, NodeError::Tick(_)));
    let taken = wrong(Node::builder("a@test").cookie(cookie).listen(&address)).await;
    assert!(matches!(&taken, NodeError::Listen(at, _) if *at == address), "{taken}");
    server.stop().await;
    assert!(TcpStream::connect(&address).await.is_err(), "a node that has stopped listens no longer");
}

#[greenroom::test(clock = real)]
async fn a_wrong_cookie_is_refused_and_the_others_are_served() {
    let cookie = Cookie::random().unwrap();
    let (node, address) = server(&cookie).await;
    let member = dialler("first@test", &cookie, &address).await;
    let stranger = dialler("stranger@test", &Cookie::random().unwrap(), &address).await;
    eventually("it is counted", || node.counters().refused_connections > 0).await;
    assert_eq!(stranger.peers(), []);
    let far: EchoServerRef = stranger.named_at("echo", "server@test");
    assert_eq!(far.echo("hello".into()).await, Err(CallErrorKind::NoConnection.into()));
    stranger.stop().await;

    let refused = node.counters().refused_connections;
    let elsewhere = Node::builder("elsewhere@test").cookie(cookie.clone()).cluster("another").seed(&address);
    let elsewhere = elsewhere.start().await.unwrap();
    eventually("another cluster is counted", || node.counters().refused_connections > refused).await;
    elsewhere.stop().await;
    let namesake = dialler("server@test", &cookie, &address).await;
    assert_eq!(namesake.peers(), [], "a node does not connect to another of its name");
    namesake.stop().await;

    assert_eq!(
        member.named_at::<EchoServerRef>("echo", "server@test").echo("hello".into()).await.as_deref(),
        Ok("hello")
    );
    serves(&cookie, &address).await;
    eventually("who came and went is gone", || node.peers() == [member.name().clone()]).await;
    member.stop().await;
    node.stop().await;
}

/// Records all bytes that a member sends when it joins.
async fn recorded(cookie: &Cookie, address: &str) -> Vec<u8> {
    let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = between.local_addr().unwrap().to_string();
    let relay = async {
        let (mut near, _) = between.accept().await.unwrap();
        let mut far = TcpStream::connect(address).await.unwrap();
        let (mut far_reader, mut far_writer) = far.split();
        let (mut from, mut to) = near.split();
        let mut record = Vec::new();
        let record_all = async {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut piece).await {
                record.extend_from_slice(&piece[..length]);
                far_writer.write_all(&piece[..length]).await.unwrap();
            }
            let _ = far_writer.shutdown().await;
        };
        let answers = async { while tokio::io::copy(&mut far_reader, &mut to).await.is_ok_and(|copied| copied > 0) {} };
        tokio::join!(record_all, answers);
        record
    };
    let join = async {
        let node = dialler("stranger@test", cookie, &proxy).await;
        let echo_server: EchoServerRef = node.named_at("echo", "server@test");
        assert_eq!(echo_server.echo("hello".into()).await.as_deref(), Ok("hello"));
        node.stop().await;
    };
    tokio::join!(relay, join).0
}

#[greenroom::test(clock = real)]
async fn hostile_bytes_do_not_disturb() {
    let cookie = Cookie::random().unwrap();
    let (node, address) = server(&cookie).await;
    let member = dialler("first@test", &cookie, &address).await;
    let record = recorded(&cookie, &address).await;
    assert!(record.starts_with(OFFER) && record.len() > 100, "a whole conversation: {} bytes", record.len());
    eventually("it has left", || node.peers().len() == 1).await;
    let noise: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let after = |offer: &[u8], rest: &[u8]| [offer, rest].concat();
    let mut flipped = record.clone();
    flipped[OFFER.len() + 20] ^= 1;
    let cases = [
        vec![],
        noise.clone(),
        vec![0; 100_000],
        vec![0xff; 100_000],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        // Truncated, without a version, with too many, with another one.
        b"GRN".to_vec(),
        OFFER[..OFFER.len() - 1].to_vec(),
        b"GRNM\x00".to_vec(),
        after(b"GRNM\xff", &noise),
        b"GRNM\x01\xff\xff".to_vec(),
        // The handshake: missing, huge, garbage.
        OFFER.to_vec(),
        after(OFFER, &[0xff; 64]),
        after(OFFER, &[0; 64]),
        after(OFFER, &noise),
        // A recorded conversation: whole, in part, damaged.
        record.clone(),
        record[..OFFER.len() + 40].to_vec(),
        record[..record.len() - 1].to_vec(),
        flipped,
    ];
    // One after the other to count each, then all at once.
    for bytes in &cases {
        check(&node, &address, bytes).await;
    }
    all(cases.iter().map(|bytes| check(&node, &address, bytes))).await;
    assert_eq!(
        member.named_at::<EchoServerRef>("echo", "server@test").echo("hello".into()).await.as_deref(),
        Ok("hello")
    );
    serves(&cookie, &address).await;
    eventually("who came and went is gone", || node.peers() == [member.name().clone()]).await;
}

#[greenroom::test(clock = real)]
async fn half_open_connections_and_drips_end() {
    let cookie = Cookie::random().unwrap();
    let (node, address) = server(&cookie).await;
    let member = dialler("first@test", &cookie, &address).await;
    let far: EchoServerRef = member.named_at("echo", "server@test");
    let began = Instant::now();
    let drip = async {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let mut ticks = interval(Duration::from_millis(400));
        for byte in OFFER.iter().chain(&[0; 1000]) {
            ticks.tick().await;
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        began.elapsed()
    };
    let silent = async {
        let mut streams = Vec::new();
        for _ in 0..HANDSHAKES + 16 {
            streams.push(TcpStream::connect(&address).await.unwrap());
        }
        eventually("those above the bound of one source are dropped", || {
            node.counters().refused_connections >= HANDSHAKES as u64
        })
        .await;
        assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
        assert_eq!(far.echo("hello".into()).await.as_deref(), Ok("hello"));
        all(streams.into_iter().map(async |mut stream| {
            // Closed or reset, without any bytes.
            assert!(!matches!(stream.read(&mut [0; 8]).await, Ok(1..)));
        }))
        .await;
        began.elapsed()
    };
    let (dripped, waited) = tokio::join!(drip, silent);
    for took in [dripped, waited] {
        assert!(took > PATIENCE / 2 && took < PATIENCE + Duration::from_secs(3), "{took:?}");
    }
    serves(&cookie, &address).await;
    assert_eq!(far.echo("hello".into()).await.as_deref(), Ok("hello"));
}

#[greenroom::test(clock = real)]
async fn a_member_connects_beside_silent_sockets_that_are_opened_again_at_once() {
    let cookie = Cookie::random().unwrap();
    let (node, address) = server(&cookie).await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..HANDSHAKES {
        let address = address.clone();
        crowd.spawn(async move {
            loop {
                let mut stream = TcpStream::connect(&address).await.unwrap();
                drop(stream.read(&mut [0]).await);
            }
        });
    }
    eventually("the bound is reached", || node.counters().refused_connections > HANDSHAKES as u64).await;
    for _ in 0..5 {
        assert!(timeout(PATIENCE, serves(&cookie, &address)).await.is_ok(), "the member is kept out");
    }
}

#[greenroom::test(clock = real)]
async fn the_smaller_of_two_message_sizes_counts() {
    let cookie = Cookie::random().unwrap();
    let (node, address) = server(&cookie).await;
    let small = Node::builder("small@test").cookie(cookie.clone()).seed(&address).max_message_size(1 << 20);
    let small = small.start().await.unwrap();
    let too_large = Err(CallErrorKind::Encode(EncodeError::TooLarge { limit: 1 << 20 }).into());
    echo_server(&small, "echo");
    let (there, back) = (small.named_at("echo", "server@test"), node.named_at("echo", "small@test"));
    for far in [there, back] {
        let far: EchoServerRef = far;
        assert_eq!(far.echo("x".repeat(2 << 20)).await, too_large);
        assert_eq!(far.echo("x".repeat(900_000)).await.map(|text| text.len()), Ok(900_000));
    }
    let large = Node::builder("large@test").cookie(cookie).seed(&address).max_message_size(1 << 30);
    let large = large.start().await.unwrap();
    let far: EchoServerRef = large.named_at("echo", "server@test");
    let limit = Err(CallErrorKind::Encode(EncodeError::TooLarge { limit: 64 << 20 }).into());
    assert_eq!(far.echo("x".repeat(65 << 20)).await, limit);
    assert_eq!(far.echo("x".repeat(20 << 20)).await.map(|text| text.len()), Ok(20 << 20));
}

/// Awaits all of them concurrently.
async fn all<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        futures.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[test]
fn twenty_nodes_of_one_program_join_and_one_is_killed_and_comes_back() {
    // More nodes would take the processors from the tests beside this one, some of which use the machine's clock.
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mesh")).arg("20").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<_> = text.lines().map(|line| line.split(',').next().unwrap_or_default()).collect();
    assert_eq!(lines, ["joined: 20 nodes", "one was killed: 19 nodes", "it came back: 20 nodes"], "{text}");
}
