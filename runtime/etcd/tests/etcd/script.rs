//! A server that gives written answers, and answers that etcd does not give.

use greenroom::registry::{Claimed, Registry, RegistryError};
use greenroom_etcd::Etcd;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::cluster::node;
use crate::observer::Observer;

/// A server with a script.
struct Script {
    registry: Etcd,
    _server: JoinSet<()>,
}

/// Returns the answer to a request, by the path behind `/v3/`: the status, and the body.
type Answers = fn(&str) -> (u16, String);

impl Script {
    async fn new(answers: Answers) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(async move { serve(stream, answers).await.unwrap_or_default() });
            }
        });
        Script { registry: Etcd::builder([address]).build().expect("it is valid"), _server: server }
    }
}

async fn serve(stream: TcpStream, answers: Answers) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let lower = head.to_ascii_lowercase();
        let length =
            lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).expect("it has a body");
        stream.read_exact(&mut vec![0; length.parse().expect("it is a number")]).await?;
        let path = head.split(' ').nth(1).and_then(|path| path.strip_prefix("/v3/")).expect("it is a path of etcd");
        let (status, body) = answers(path);
        let length = body.len();
        stream.write_all(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes()).await?;
    }
}

/// The answers of an etcd whose leader changes between a renewal and the read that follows it.
fn changed_leader(path: &str) -> (u16, String) {
    let answer = match path {
        "lease/grant" => r#"{"ID":"7","TTL":"10"}"#,
        "kv/txn" => r#"{"header":{"revision":"5"},"succeeded":true}"#,
        "lease/keepalive" => r#"{"result":{"header":{"raft_term":"2"},"TTL":"10"}}"#,
        "kv/range" => r#"{"header":{"raft_term":"3"}}"#,
        _ => panic!("an unexpected request: {path}"),
    };
    (200, answer.into())
}

#[tokio::test]
async fn a_renewal_by_a_leader_that_leads_no_more_does_not_count() {
    let script = Script::new(changed_leader).await;
    let claimed = script.registry.claim(&node("a@one"), "mail", &[]).await;
    assert!(matches!(claimed, Ok(Claimed::Granted(claim)) if claim.token == 5));
    let renewed = script.registry.renew(&node("a@one")).await;
    assert!(matches!(&renewed, Err(RegistryError::Unreachable(reason)) if reason.contains("leader")), "{renewed:?}");
}

/// Checks the error of each request to a server that answers like this.
async fn check(answers: Answers, expected: &str) {
    let registry = Script::new(answers).await;
    let registry = &registry.registry;
    let node = node("a@one");
    let claimed = registry.claim(&node, "mail", &[]).await.map(|_| ());
    let looked_up = registry.lookup("mail").await.map(|_| ());
    let watched = Err(Observer::new(registry).ended().await);
    for result in [claimed, looked_up, watched] {
        let error = result.expect_err("it is not an answer of etcd").to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.len() < 1000, "{} bytes", error.len());
        assert!(!error.contains(['\n', '\u{1b}']), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_of_etcd_is_an_error() {
    check(|_| (200, "<html>".into()), "not etcd's").await;
    check(|_| (200, String::new()), "not etcd's").await;
    check(|_| (200, r#"{"header":{"revision":"-1"},"ID":"-1","TTL":"x"}"#.into()), "not etcd's").await;
    check(|_| (500, "\u{1b}[2J\n".into()), "500").await;
    check(|_| (404, "Not Found\n".into()), "no JSON gateway").await;
}

#[tokio::test]
async fn an_empty_answer_does_not_mean_that_a_key_has_no_claim() {
    let all: [Answers; 3] = [|_| (200, "{}".into()), |_| (200, "[]".into()), |_| (200, "null".into())];
    for answers in all {
        let script = Script::new(answers).await;
        let looked_up = script.registry.lookup("mail").await;
        assert!(matches!(looked_up, Err(RegistryError::Unreachable(_))), "{looked_up:?}");
        let claimed = script.registry.claim(&node("a@one"), "mail", &[]).await;
        assert!(claimed.is_err(), "{claimed:?}");
    }
}

#[tokio::test]
async fn an_error_of_etcd_is_shortened_and_escaped() {
    check(|_| (400, format!(r#"{{"code":3,"message":"no\n\u001b{}"}}"#, "x".repeat(100_000))), r"no\n\u{1b}xxx").await;
    check(|_| (503, r#"{"code":14,"message":"etcdserver: no leader"}"#.into()), "cannot be reached").await;
    check(|_| (403, r#"{"code":7,"message":"etcdserver: permission denied"}"#.into()), "refused the request").await;
}

#[tokio::test]
async fn an_answer_is_bounded() {
    check(|_| (200, " ".repeat((16 << 20) + 1)), "length limit exceeded").await;
}

/// An etcd with one claim, whose watch is a line without an end.
fn endless_line(path: &str) -> (u16, String) {
    match path {
        "watch" => (200, "x".repeat(40 << 20)),
        _ => (200, r#"{"header":{"revision":"5"}}"#.into()),
    }
}

#[tokio::test]
async fn a_message_of_a_stream_is_bounded() {
    let script = Script::new(endless_line).await;
    let mut observer = Observer::new(&script.registry);
    assert_eq!(observer.next().await, "all: ");
    let error = observer.ended().await.to_string();
    assert!(error.contains("more than 16777216 bytes"), "{error}");
}
