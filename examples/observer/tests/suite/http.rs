//! The page over HTTP.

use greenroom::Application;
use greenroom::prelude::*;
use observer::{MAX_CLIENTS, ObserverTree};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::office::{OfficeRef, start_office};

/// Starts the observer's page on a free port.
async fn serve_page() -> (greenroom::Running<OfficeRef>, u16) {
    let office = start_office().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Application::new("observer", ObserverTree::at(free)).start().await.unwrap();
    (office, free.port())
}

/// Sends a request as a browser does, and reads the head of the answer.
async fn request(port: u16, line: &str, headers: &str) -> (String, BufReader<TcpStream>) {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("{line} HTTP/1.0\r\n{headers}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let (mut reader, mut head) = (BufReader::new(socket), String::new());
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).await.unwrap(), 0, "{head}");
    }
    (head, reader)
}

async fn text(mut body: BufReader<TcpStream>) -> String {
    let mut text = String::new();
    body.read_to_string(&mut text).await.unwrap();
    text
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
        let host = format!("Host: 127.0.0.1:{port}");
        let (head, body) = request(port, "GET /", &host).await;
        assert!(
            head.starts_with("HTTP/1.0 200") && head.contains("content-security-policy: default-src 'none'"),
            "{head}"
        );
        assert!(text(body).await.contains("<title>greenroom observer</title>"));
        let evil = format!("Host: evil.example:{port}");
        for line in ["GET /page", "GET /page.js"] {
            assert!(request(port, line, &evil).await.0.starts_with("HTTP/1.0 403"), "{line}");
        }
        let (_, body) = request(port, "GET /page?sort=age&filter=office", &host).await;
        let page: Value = serde_json::from_str(&text(body).await).unwrap();
        let paths = |list: &str| {
            let of = |line: &Value| line["path"].as_str().unwrap().to_owned();
            let mut paths: Vec<_> = page["view"][list].as_array().unwrap().iter().map(of).collect();
            paths.sort_unstable();
            paths
        };
        assert_eq!(paths("rows"), ["/Office", "/Office/clerk", "/Office/deputy"]);
        assert!(paths("trees").contains(&"/Office/clerk".to_owned()), "{page}");
        assert_eq!(page["overview"]["nodes"].as_array().unwrap().len(), 1);
        assert!(request(port, "GET /trace/nobody/999999", &host).await.0.starts_with("HTTP/1.0 404"));
    });
}

#[test]
fn streams_send_views_and_the_messages_of_one_process() {
    with_real_clock(async {
        let (office, port) = serve_page().await;
        let host = format!("Host: 127.0.0.1:{port}");
        let (_, mut views) = request(port, "GET /events?sort=rate", &host).await;
        let page: Value = serde_json::from_str(&data(&mut views).await).unwrap();
        let view = &page["view"];
        assert!(view["rows"].as_array().unwrap().iter().any(|row| row["name"] == "clerk"), "{view}");
        let (clerk, node) = (office.tree().clerk(), view["node"].as_str().unwrap());
        let number = clerk.pid().unwrap().number();
        let (_, mut steps) = request(port, &format!("GET /trace/{node}/{number}"), &host).await;
        clerk.handle("order 1".to_owned());
        let step = data(&mut steps).await;
        assert!(step.contains(r#""step":"arrived""#) && step.contains("order 1"), "{step}");
        assert!(data(&mut steps).await.contains(r#""step":"taken""#));
    });
}

#[test]
fn an_action_needs_the_origin_of_the_page() {
    with_real_clock(async {
        let (office, port) = serve_page().await;
        let host = format!("Host: 127.0.0.1:{port}");
        let origin = format!("{host}\r\nOrigin: http://127.0.0.1:{port}");
        let (_, mut views) = request(port, "GET /events", &host).await;
        let page: Value = serde_json::from_str(&data(&mut views).await).unwrap();
        let number = office.tree().deputy().pid().unwrap().number();
        let line = |action| format!("POST /act/{}/{number}/{action}", page["view"]["node"].as_str().unwrap());
        assert!(request(port, &line("stop"), &host).await.0.starts_with("HTTP/1.0 403"));
        let (head, body) = request(port, &line("stop"), &origin).await;
        assert!(head.starts_with("HTTP/1.0 409"), "{head}");
        assert_eq!(text(body).await, "this observer only looks");
        let (head, body) = request(port, &line("state"), &origin).await;
        assert!(head.starts_with("HTTP/1.0 409"), "{head}");
        assert!(text(body).await.contains("#[actor(sys)]"));
        assert!(request(port, &line("eat"), &origin).await.0.starts_with("HTTP/1.0 400"));
    });
}

#[test]
fn the_number_of_clients_is_bounded() {
    with_real_clock(async {
        let (_office, port) = serve_page().await;
        let host = format!("Host: 127.0.0.1:{port}");
        let mut streams = Vec::new();
        for _ in 0..MAX_CLIENTS {
            let (head, mut views) = request(port, "GET /events", &host).await;
            assert!(head.starts_with("HTTP/1.0 200"), "{head}");
            data(&mut views).await;
            streams.push(views);
        }
        let (head, _) = request(port, "GET /events", &host).await;
        assert!(head.starts_with("HTTP/1.0 503"), "{head}");
        // A disconnected client frees its slot when that is detected, at its next view.
        streams.clear();
        while !request(port, "GET /events", &host).await.0.starts_with("HTTP/1.0 200") {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn the_page_never_converts_a_text_to_markup() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/page")).unwrap();
    let files: Vec<_> = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(files.len() > 5);
    for function in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(files.iter().all(|file| !file.contains(function)), "{function}");
    }
}
