//! Tests of the observer of a node with a supervision tree, by calls and over HTTP.

use greenroom::testing::{Probe, pattern};
use greenroom::{Application, prelude::*};
use observer::{EventKind, MAX_CLIENTS, ObserverTree, Query, Sort, Subscriber, View, Watcher};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The messages to a clerk.
#[protocol]
#[derive(Debug)]
enum Order {
    /// An order to handle.
    Handle { text: String },
    /// An order that stays in the mailbox.
    Keep,
    /// An order that causes a panic.
    Break,
}

/// Handles orders, and leaves `Keep` in the mailbox.
#[actor(protocol = Order, name = "clerk")]
#[derive(Default)]
struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Order::Handle { text } => drop(text),
                Order::Break => panic!("bad order"),
            });
        }
    }
}

#[supervisor(intensity = 3, period = "5s")]
struct Office {
    #[child]
    clerk: Clerk,
    #[child]
    deputy: Deputy,
}

/// A second process with the same protocol.
#[actor(protocol = Order)]
#[derive(Default)]
struct Deputy;

impl Process for Deputy {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Order::Handle { .. } => {}
            });
        }
    }
}

async fn start_office() -> greenroom::Running<OfficeRef> {
    Application::new("office", Office {}).start().await.unwrap()
}

#[greenroom::test]
async fn a_view_has_trees_and_processes_in_order() {
    let office = start_office().await;
    let watcher = Watcher::default().start().await.unwrap();
    let deputy = office.tree().deputy();
    for _ in 0..3 {
        deputy.keep();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let lines =
        |view: &View| view.trees.iter().map(|line| (line.depth, line.path.clone(), line.starts)).collect::<Vec<_>>();
    let view = watcher.view(Query::default()).await.unwrap();
    let expected = [(0, "/Office", 0), (1, "/Office/clerk", 1), (1, "/Office/deputy", 1)];
    assert_eq!(lines(&view), expected.map(|(depth, path, starts)| (depth, path.to_owned(), starts)));
    assert_eq!((&*view.rows[0].path, view.rows[0].mailbox, &*view.rows[0].state), ("/Office/deputy", 3, "waiting"));
    assert_eq!((view.matching, view.node.processes), (4, 4));
    // Ten messages within two seconds.
    let clerk = office.tree().clerk();
    for _ in 0..10 {
        clerk.handle("order 1".to_owned());
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let number = clerk.pid().unwrap().number();
    let query = Query { sort: Sort::Rate, filter: "CLERK".to_owned(), process: Some(number) };
    let view = watcher.view(query).await.unwrap();
    assert_eq!((&*view.rows[0].name, view.rows[0].rate, view.rows.len()), ("clerk", 5, 1));
    assert_eq!(view.process.unwrap().handled, 10);
    assert!(view.events.is_empty(), "{:?}", view.events);
}

#[greenroom::test]
async fn a_restart_has_one_record() {
    let office = start_office().await;
    let watcher = Watcher::default().start().await.unwrap();
    office.tree().clerk().r#break();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let view = watcher.view(Query::default()).await.unwrap();
    let events: Vec<_> =
        view.events.iter().map(|event| (event.kind, event.text.split(['(', ':']).next().unwrap())).collect();
    assert_eq!(events, [(EventKind::Crash, "/Office/clerk "), (EventKind::Restart, "/Office/clerk was restarted")]);
    assert!(view.events[0].text.contains("bad order"), "{:?}", view.events);
    assert_eq!((view.trees[1].starts, view.node.restarts), (2, 1));
}

#[greenroom::test]
async fn a_subscriber_is_notified_of_a_crash_at_once_and_sees_the_current_tree() {
    let office = start_office().await;
    let watcher = Watcher::default().start().await.unwrap();
    let mut probe = Probe::<Subscriber>::new();
    assert!(watcher.subscribe(probe.stub()).await.unwrap());
    watcher.view(Query::default()).await.unwrap();
    probe.expect_nothing(Duration::from_secs(60)).await;
    let before = tokio::time::Instant::now();
    office.tree().clerk().r#break();
    // The crash, and then the restart; the clock has not advanced.
    for _ in 0..2 {
        probe.expect(pattern!(Subscriber::Event)).await;
    }
    let view = watcher.view(Query::default()).await.unwrap();
    assert_eq!((view.trees[1].starts, view.events.len()), (2, 2));
    assert_eq!(before.elapsed(), Duration::ZERO);
    // The slot of a subscriber that ended is free again.
    for _ in 0..500 {
        let subscriber = Probe::<Subscriber>::new();
        assert!(watcher.subscribe(subscriber.stub()).await.unwrap());
    }
    let subscribers: Vec<_> = (0..2 * MAX_CLIENTS).map(|_| Probe::<Subscriber>::new()).collect();
    let mut subscribed = 0;
    for subscriber in &subscribers {
        subscribed += usize::from(watcher.subscribe(subscriber.stub()).await.unwrap());
    }
    assert_eq!(subscribed, 2 * MAX_CLIENTS - 1);
}

/// Starts the observer's page on a free port.
async fn serve_page() -> (greenroom::Running<OfficeRef>, u16) {
    let office = start_office().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Application::new("observer", ObserverTree::at(free)).start().await.unwrap();
    (office, free.port())
}

/// Sends a request as a browser does, and reads the head of the answer.
async fn request(port: u16, path: &str, host: &str) -> (String, BufReader<TcpStream>) {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let (mut reader, mut head) = (BufReader::new(socket), String::new());
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).await.unwrap(), 0, "{head}");
    }
    (head, reader)
}

async fn data(reader: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).await.unwrap(), 0, "the stream has ended");
        if let Some(data) = line.strip_prefix("data:") {
            return data.trim().to_owned();
        }
    }
}

/// Runs a test with a real clock, because sockets take real time.
fn with_real_clock<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Node::local().scope(test).await })
}

#[test]
fn the_page_and_its_views_are_refused_to_other_sites() {
    with_real_clock(async {
        let (_office, port) = serve_page().await;
        let own_host = format!("127.0.0.1:{port}");
        let (head, mut body) = request(port, "/", &own_host).await;
        assert!(
            head.starts_with("HTTP/1.0 200") && head.contains("content-security-policy: default-src 'none'"),
            "{head}"
        );
        let mut page = String::new();
        body.read_to_string(&mut page).await.unwrap();
        assert!(page.contains("<title>greenroom observer</title>"));
        let (head, _) = request(port, "/view", &format!("evil.example:{port}")).await;
        assert!(head.starts_with("HTTP/1.0 403"), "{head}");
        let (_, mut body) = request(port, "/view?sort=age&filter=office", &own_host).await;
        let mut json = String::new();
        body.read_to_string(&mut json).await.unwrap();
        let view: View = serde_json::from_str(&json).unwrap();
        assert!(view.trees.iter().any(|line| line.path == "/Office/clerk"), "{json}");
        let mut paths: Vec<_> = view.rows.iter().map(|row| &*row.path).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["/Office", "/Office/clerk", "/Office/deputy"]);
        let (head, _) = request(port, "/trace/999999", &own_host).await;
        assert!(head.starts_with("HTTP/1.0 404"), "{head}");
    });
}

#[test]
fn streams_send_views_and_the_messages_of_one_process() {
    with_real_clock(async {
        let (office, port) = serve_page().await;
        let own_host = format!("127.0.0.1:{port}");
        let (_, mut views) = request(port, "/events?sort=rate", &own_host).await;
        let view: View = serde_json::from_str(&data(&mut views).await).unwrap();
        assert!(view.rows.iter().any(|row| row.name == "clerk"));
        let clerk = office.tree().clerk();
        let (_, mut steps) = request(port, &format!("/trace/{}", clerk.pid().unwrap().number()), &own_host).await;
        clerk.handle("order 1".to_owned());
        let step = data(&mut steps).await;
        assert!(step.contains(r#""step":"arrived""#) && step.contains("order 1"), "{step}");
        assert!(data(&mut steps).await.contains(r#""step":"taken""#));
    });
}

#[test]
fn the_number_of_clients_is_bounded() {
    with_real_clock(async {
        let (_office, port) = serve_page().await;
        let own_host = format!("127.0.0.1:{port}");
        let mut streams = Vec::new();
        for _ in 0..MAX_CLIENTS {
            let (head, mut views) = request(port, "/events", &own_host).await;
            assert!(head.starts_with("HTTP/1.0 200"), "{head}");
            data(&mut views).await;
            streams.push(views);
        }
        let (head, _) = request(port, "/events", &own_host).await;
        assert!(head.starts_with("HTTP/1.0 503"), "{head}");
        // A disconnected client frees its slot when that is detected, at its next view.
        streams.clear();
        while !request(port, "/events", &own_host).await.0.starts_with("HTTP/1.0 200") {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn the_page_never_converts_a_text_to_markup() {
    let page = include_str!("../src/page.html");
    for function in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!page.contains(function), "{function}");
    }
}
