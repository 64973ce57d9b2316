//! The program's demo and its startup errors.

use std::process::{Command, Output};

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::cluster::Cluster;
use crate::scratch::Scratch;

fn chat(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chat")).args(args).output().expect("the program runs")
}

/// The demo runs three operating system processes. It kills one and deletes its directory, and later another one.
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
        (&["--prot", "80"][..], "chat: unknown argument \"--prot\""),
        (&["--data", fresh, "--port", &port], "chat: cannot listen at 127.0.0.1:"),
        (
            &["--data", damaged, "--port", "0"],
            "chat: application `chat` did not start: cannot start `database`: cannot use the database ",
        ),
        (&["--demo", "missing.txt"], "chat: cannot read missing.txt: "),
    ] {
        let output = chat(args);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.starts_with(expected) && errors.lines().count() == 1, "{args:?}: {errors}");
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(2), &b""[..]), "{args:?}");
    }
}

#[tokio::test]
async fn an_overlong_message_ends_with_the_reason() {
    let cluster = Cluster::start("overlong");
    let page = cluster.pages[0].strip_prefix("http://").unwrap();
    let mut request = format!("ws://{page}/ws").into_client_request().unwrap();
    request.headers_mut().insert("origin", cluster.pages[0].parse().unwrap());
    let stream = tokio::net::TcpStream::connect(page).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
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
