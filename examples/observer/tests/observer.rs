//! The observer of a node with a tree in it: asked as a process, and over HTTP.

use greenroom::testing::{Probe, pattern};
use greenroom::{Application, prelude::*};
use observer::{Kind, MOST_CLIENTS, ObserverTree, Query, Reader, Sort, View, Watcher};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What a clerk can be told.
#[protocol]
#[derive(Debug)]
enum Letter {
    /// To be read.
    Read { text: String },
    /// For later.
    Keep,
    /// One too many.
    Break,
}

/// Reads letters, and leaves those to keep where they are.
#[actor(protocol = Letter, name = "clerk")]
#[derive(Default)]
struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Letter::Read { text } => drop(text),
                Letter::Break => panic!("torn"),
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

/// Somebody else.
#[actor(protocol = Letter)]
#[derive(Default)]
struct Deputy;

impl Process for Deputy {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Letter::Read { .. } => {}
            });
        }
    }
}

async fn office() -> greenroom::Running<OfficeRef> {
    Application::new("office", Office {}).start().await.unwrap()
}

#[greenroom::test]
async fn a_view_has_trees_and_processes_in_order() {
    let office = office().await;
    let watcher = Watcher::default().start().await.unwrap();
    let deputy = office.tree().deputy();
    for _ in 0..3 {
        deputy.keep();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let lines =
        |view: &View| view.trees.iter().map(|twig| (twig.depth, twig.path.clone(), twig.starts)).collect::<Vec<_>>();
    let view = watcher.look(Query::default()).await.unwrap();
    let expected = [(0, "/Office", 0), (1, "/Office/clerk", 1), (1, "/Office/deputy", 1)];
    assert_eq!(lines(&view), expected.map(|(depth, path, starts)| (depth, path.to_owned(), starts)));
    assert_eq!((&*view.rows[0].place, view.rows[0].mailbox, &*view.rows[0].state), ("/Office/deputy", 3, "waiting"));
    assert_eq!((view.matching, view.node.processes), (4, 4));
    // Ten messages within two seconds.
    let clerk = office.tree().clerk();
    for _ in 0..10 {
        clerk.read("read me".to_owned());
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let number = clerk.pid().unwrap().number();
    let query = Query { sort: Sort::Rate, filter: "CLERK".to_owned(), process: Some(number) };
    let view = watcher.look(query).await.unwrap();
    assert_eq!((&*view.rows[0].name, view.rows[0].rate, view.rows.len()), ("clerk", 5, 1));
    assert_eq!(view.process.unwrap().handled, 10);
    assert!(view.news.is_empty(), "{:?}", view.news);
}

#[greenroom::test]
async fn a_restart_is_news_once() {
    let office = office().await;
    let watcher = Watcher::default().start().await.unwrap();
    office.tree().clerk().r#break();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let view = watcher.look(Query::default()).await.unwrap();
    let news: Vec<_> = view.news.iter().map(|news| (news.kind, news.text.split(['(', ':']).next().unwrap())).collect();
    assert_eq!(news, [(Kind::Crash, "/Office/clerk "), (Kind::Restart, "/Office/clerk was restarted")]);
    assert!(view.news[0].text.contains("torn"), "{:?}", view.news);
    assert_eq!((view.trees[1].starts, view.node.restarts), (2, 1));
}

#[greenroom::test]
async fn who_follows_hears_of_a_crash_as_it_happens_and_sees_the_tree_as_it_is() {
    let office = office().await;
    let watcher = Watcher::default().start().await.unwrap();
    let mut probe = Probe::<Reader>::new();
    assert!(watcher.follow(probe.stub()).await.unwrap());
    watcher.look(Query::default()).await.unwrap();
    probe.expect_nothing(Duration::from_secs(60)).await;
    let before = tokio::time::Instant::now();
    office.tree().clerk().r#break();
    // The crash, and then the restart; the clock has not moved.
    for _ in 0..2 {
        probe.expect(pattern!(Reader::News)).await;
    }
    let view = watcher.look(Query::default()).await.unwrap();
    assert_eq!((view.trees[1].starts, view.news.len()), (2, 2));
    assert_eq!(before.elapsed(), Duration::ZERO);
    // A place of somebody who has gone is free again.
    for _ in 0..500 {
        let follower = Probe::<Reader>::new();
        assert!(watcher.follow(follower.stub()).await.unwrap());
    }
    let followers: Vec<_> = (0..2 * MOST_CLIENTS).map(|_| Probe::<Reader>::new()).collect();
    let mut places = 0;
    for follower in &followers {
        places += usize::from(watcher.follow(follower.stub()).await.unwrap());
    }
    assert_eq!(places, 2 * MOST_CLIENTS - 1);
}

/// The observer's page, on a port of its own.
async fn served() -> (greenroom::Running<OfficeRef>, u16) {
    let office = office().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Application::new("observer", ObserverTree::at(free)).start().await.unwrap();
    (office, free.port())
}

/// Asks as a browser would, and reads the answer's head.
async fn ask(port: u16, path: &str, host: &str) -> (String, BufReader<TcpStream>) {
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

/// Sockets are real, and so is the time that they take.
fn real<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Node::local().scope(test).await })
}

#[test]
fn the_page_and_its_views_are_for_those_from_here() {
    real(async {
        let (_office, port) = served().await;
        let here = format!("127.0.0.1:{port}");
        let (head, mut body) = ask(port, "/", &here).await;
        assert!(
            head.starts_with("HTTP/1.0 200") && head.contains("content-security-policy: default-src 'none'"),
            "{head}"
        );
        let mut page = String::new();
        body.read_to_string(&mut page).await.unwrap();
        assert!(page.contains("<title>greenroom observer</title>"));
        let (head, _) = ask(port, "/view", &format!("evil.example:{port}")).await;
        assert!(head.starts_with("HTTP/1.0 403"), "{head}");
        let (_, mut body) = ask(port, "/view?sort=age&filter=office", &here).await;
        let mut json = String::new();
        body.read_to_string(&mut json).await.unwrap();
        let view: View = serde_json::from_str(&json).unwrap();
        assert!(view.trees.iter().any(|twig| twig.path == "/Office/clerk"), "{json}");
        let mut places: Vec<_> = view.rows.iter().map(|row| &*row.place).collect();
        places.sort_unstable();
        assert_eq!(places, ["/Office", "/Office/clerk", "/Office/deputy"]);
        let (head, _) = ask(port, "/trace/999999", &here).await;
        assert!(head.starts_with("HTTP/1.0 404"), "{head}");
    });
}

#[test]
fn a_stream_tells_of_views_and_of_one_processes_messages() {
    real(async {
        let (office, port) = served().await;
        let here = format!("127.0.0.1:{port}");
        let (_, mut views) = ask(port, "/events?sort=rate", &here).await;
        let view: View = serde_json::from_str(&data(&mut views).await).unwrap();
        assert!(view.rows.iter().any(|row| row.name == "clerk"));
        let clerk = office.tree().clerk();
        let (_, mut steps) = ask(port, &format!("/trace/{}", clerk.pid().unwrap().number()), &here).await;
        clerk.read("read me".to_owned());
        let step = data(&mut steps).await;
        assert!(step.contains(r#""step":"arrived""#) && step.contains("read me"), "{step}");
        assert!(data(&mut steps).await.contains(r#""step":"taken""#));
    });
}

#[test]
fn no_more_than_so_many_look_at_once() {
    real(async {
        let (_office, port) = served().await;
        let here = format!("127.0.0.1:{port}");
        let mut looking = Vec::new();
        for _ in 0..MOST_CLIENTS {
            let (head, mut views) = ask(port, "/events", &here).await;
            assert!(head.starts_with("HTTP/1.0 200"), "{head}");
            data(&mut views).await;
            looking.push(views);
        }
        let (head, _) = ask(port, "/events", &here).await;
        assert!(head.starts_with("HTTP/1.0 503"), "{head}");
        // Who leaves makes room, as soon as it is noticed: at its next view.
        looking.clear();
        while !ask(port, "/events", &here).await.0.starts_with("HTTP/1.0 200") {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn the_page_makes_no_markup_of_a_text() {
    let page = include_str!("../src/page.html");
    for maker in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!page.contains(maker), "{maker}");
    }
}
