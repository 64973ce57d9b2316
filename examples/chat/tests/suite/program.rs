//! The program's demo and its startup errors.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use greenroom::Cookie;
use observer::{Addresses, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::cluster::{Cluster, Services};
use crate::scratch::Scratch;

fn chat(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chat")).args(args).output().expect("the program runs")
}

/// The demo runs three operating system processes. It kills one and deletes its directory, upgrades all of them, and kills
/// another one.
#[test]
fn the_demo_loses_and_duplicates_no_line() {
    let talk = concat!(env!("CARGO_MANIFEST_DIR"), "/data/talk.txt");
    let output = chat(&["--demo", talk]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(printed.lines().last(), Some("50 acknowledged, 0 lost, 0 doubled"), "{printed}\n{errors}");
    assert!(output.status.success());
    for start in ["-- node b is killed", "a received Otto: ", "b received Vera: ", "c received Ida: "] {
        assert!(printed.lines().any(|line| line.starts_with(start)), "{start}: {printed}");
    }
    let count = |part: &str| printed.lines().filter(|line| line.contains(part)).count();
    // Each database begins without data, one of them twice. Another node has taken over from the killed writer.
    assert_eq!(count("has caught up"), 4, "{printed}");
    assert!(count("puts the lines in order") >= 2 && count("the writer, is killed") == 1, "{printed}");
    // Two nodes are started again, and three have a successor.
    assert_eq!((count("is upgraded"), count(": process "), count(": database: open")), (3, 8, 8), "{printed}");
}

#[test]
fn a_failed_start_prints_one_line() {
    let scratch = Scratch::new("start");
    let damaged = scratch.0.join("damaged");
    std::fs::create_dir(&damaged).unwrap();
    std::fs::write(damaged.join("chat.redb"), "other format\n".repeat(1000)).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let fresh = scratch.0.join("fresh");
    let [fresh, damaged] = [&fresh, &damaged].map(|path| path.to_str().unwrap());
    for (args, expected) in [
        (&["--prot", "80"][..], "error: unknown argument \"--prot\""),
        (&["--data", fresh, "--port", &port], "error: cannot listen at 127.0.0.1:"),
        (
            &["--data", damaged, "--port", "0"],
            "error: application `database` did not start: cannot start `database`: cannot use the database ",
        ),
        (&["--demo", "missing.txt"], "error: cannot read missing.txt: "),
    ] {
        let output = chat(args);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.starts_with(expected) && errors.lines().count() == 1, "{args:?}: {errors}");
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(1), &b""[..]), "{args:?}");
    }
}

/// Connects a websocket to a page.
pub(crate) async fn connect(page: &str) -> WebSocketStream<TcpStream> {
    let mut request = format!("ws://{page}/ws").into_client_request().unwrap();
    request.headers_mut().insert("origin", format!("http://{page}").parse().unwrap());
    let stream = TcpStream::connect(page).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.unwrap().0
}

/// Waits until a websocket has received texts with these parts, in any order.
pub(crate) async fn expect(socket: &mut WebSocketStream<TcpStream>, parts: &[&str]) {
    let mut missing = parts.to_vec();
    while !missing.is_empty() {
        let Message::Text(text) = socket.next().await.expect("the node serves").unwrap() else { continue };
        missing.retain(|part| !text.contains(part));
    }
}

/// Requests a path, and returns the whole answer.
async fn get(page: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(page).await.unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: {page}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Requests a path until its answer has this part.
async fn expect_at(page: &str, path: &str, part: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = get(page, path).await;
        if answer.contains(part) {
            return;
        }
        assert!(Instant::now() < end, "{path}: {answer}");
    }
}

#[tokio::test]
async fn each_node_of_a_cluster_has_an_observer_also_after_an_upgrade() {
    let mut cluster = Cluster::start("observed");
    assert_eq!(cluster.observers.len(), 3);
    cluster.signal(1, "-USR2");
    // The old process has the port of the observer until it stops.
    cluster.wait_for(&["b: web: closed", "b: observer: http://"]);
    for observer in &cluster.observers {
        expect_at(observer, "/", "<title>").await;
    }
    assert!(cluster.observers.len() == 4 && cluster.observers[..3].contains(&cluster.observers[3]));
}

/// The observer's program attaches with these arguments, and with the cookie of the user.
#[tokio::test]
async fn an_observer_of_the_same_user_attaches_to_a_cluster() {
    let cluster = Cluster::start("attached");
    assert_eq!(std::fs::metadata(cluster.cookie()).unwrap().permissions().mode() & 0o777, 0o600);
    let target = |cookie| Target { seeds: vec![cluster.seed.clone()], cookie: Some(cookie), ..Target::default() };
    let cookie = Cookie::load_from(cluster.cookie()).unwrap();
    let node = target(cookie).attach(&Addresses::default()).await.unwrap();
    let mut peers: Vec<String> = node.peers().iter().map(|peer| peer.as_str()[..2].to_owned()).collect();
    peers.sort();
    assert_eq!(peers, ["a@", "b@", "c@"], "one is the seed");
    // The observers of the chat show the nodes of the chat, not this one.
    expect_at(&cluster.observers[0], "/page", node.name().as_str()).await;
    let page = get(&cluster.observers[0], "/page").await;
    let page: serde_json::Value = serde_json::from_str(page.split_once("\r\n\r\n").unwrap().1).unwrap();
    let nodes = page["overview"]["nodes"].as_array().unwrap();
    let nodes: Vec<&str> = nodes.iter().map(|node| &node["node"].as_str().unwrap()[..2]).collect();
    assert_eq!(nodes, peers, "{page}");
    node.stop().await;
    let refused = target(Cookie::random().unwrap()).attach(&Addresses::default()).await;
    assert!(refused.is_err(), "another user");
}

/// A program that serves the observer's page has no use for its terminal version.
#[test]
fn the_chat_does_not_need_the_terminal_of_the_observer() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--prefix", "none", "--package", "chat"]);
    let crates = String::from_utf8(tree.output().unwrap().stdout).unwrap();
    let has = |name: &str| crates.lines().any(|line| line.starts_with(name));
    assert!(has("observer v") && has("axum v"), "{crates}");
    assert!(!has("ratatui"), "{crates}");
}

/// Each service has a node of its own, which is an operating system process.
#[tokio::test]
async fn each_service_runs_alone_on_its_node() {
    let services = Services::start("services");
    let mut socket = connect(&services.page).await;
    for message in
        [r#"{"type":"join","room":"lobby","nick":"ann"}"#, r#"{"type":"say","id":"1","words":"through all of them"}"#]
    {
        socket.send(Message::text(message)).await.unwrap();
    }
    // The database has the line, and the web receives it from there.
    expect(&mut socket, &[r#""type":"acknowledged","id":"1""#, r#""words":"through all of them""#]).await;
    // The analytics have counted it, and the reporting has the figure from them.
    expect_at(&services.page, "/stats", r#""top":[["ann",1]]"#).await;
    expect_at(&services.page, "/report", "lobby: 1 line this minute, 1 in all; most by ann 1").await;
    // It can still be on its way to the log.
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let log = std::fs::read_to_string(services.data("log").join("chat.log")).unwrap();
        if [
            " lobby: ann: through all of them\n",
            ": writer: this node puts the lines in order\n",
            ": lobby: ann joins\n",
        ]
        .iter()
        .all(|part| log.contains(part))
        {
            break;
        }
        assert!(Instant::now() < end, "{log}");
    }
    assert!(services.data("database").join("chat.redb").exists());
    for service in ["web", "analytics", "reporting"] {
        assert!(!services.data(service).exists(), "{service}");
    }
}

#[tokio::test]
async fn an_overlong_message_ends_with_the_reason() {
    let cluster = Cluster::start("overlong");
    let mut socket = connect(cluster.pages[0].strip_prefix("http://").unwrap()).await;
    // Shorter ones are answered.
    for (words, expected) in
        [(40_000, "the line is longer than 4096 characters"), (65_536, "a message has at most 65536 bytes")]
    {
        let join = r#"{"type":"join","room":"lobby","nick":"ann"}"#;
        let say = format!(r#"{{"type":"say","id":"1","words":"{}"}}"#, "x".repeat(words));
        socket.send(Message::text(join)).await.unwrap();
        socket.send(Message::text(say)).await.unwrap();
        loop {
            match socket.next().await.expect("the reason arrives").unwrap() {
                Message::Text(text) if text.contains(expected) => break,
                Message::Close(Some(frame)) => {
                    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1009, expected));
                    break;
                }
                _ => {}
            }
        }
    }
}
