//! The errors of a node's start: each states what failed, on what, and the remedy, and has its cause as a source.

use std::error::Error;
use std::io;

use greenroom::prelude::*;
use greenroom::{CookieError, NodeBuilder, NodeError};

async fn error_of(builder: NodeBuilder) -> NodeError {
    builder.start().await.expect_err("the node does not start")
}

#[greenroom::test(clock = real)]
async fn an_address_in_use_is_named_and_the_operating_systems_error_is_the_source() {
    let cookie = Cookie::random().unwrap();
    let first = Node::builder("first@test").cookie(cookie.clone()).listen("127.0.0.1:0").start().await.unwrap();
    let address = first.address().unwrap();
    let error = error_of(Node::builder("second@test").cookie(cookie.clone()).listen(&address)).await;
    let text = format!(
        "cannot listen at {address}, where another program or node listens already; use another port, or port 0 for a \
         free one"
    );
    assert_eq!(error.to_string(), text);
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>()).expect("an io error");
    assert_eq!(cause.kind(), io::ErrorKind::AddrInUse);
    let with_cause = format!("{text}: {cause}");
    assert_eq!(Exit::from(error).to_string(), with_cause);

    // Of a network that is reserved for documentation.
    let error = error_of(Node::builder("second@test").cookie(cookie).listen("192.0.2.1:9100")).await;
    assert_eq!(error.to_string(), "cannot listen at 192.0.2.1:9100, which is not an address of this machine");
    assert!(error.source().is_some());
    first.stop().await;
}

/// The command in the error and in the book creates a cookie file.
#[greenroom::test]
async fn a_missing_cookie_is_reported_with_the_command_that_creates_one() {
    let error = error_of(Node::builder("a@test").listen("127.0.0.1:0")).await;
    assert!(matches!(error, NodeError::NoCookie));
    assert!(error.source().is_none());
    let text = error.to_string();
    let (_, command) = text.split_once("run `").expect("a command");
    let command = command.strip_suffix('`').unwrap();
    let book = include_str!("../../../book/src/start/machines.md");
    assert!(book.lines().any(|line| line == command), "not in the book: {command}");
    #[cfg(unix)]
    {
        let home = std::env::temp_dir().join(format!("greenroom-home-{}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        let status = std::process::Command::new("sh").arg("-c").arg(command).env("HOME", &home).status().unwrap();
        assert!(status.success());
        Cookie::load_from(home.join(".greenroom/cookie")).unwrap();
        std::fs::remove_dir_all(&home).unwrap();
    }
    assert!(CookieError::NoHome.to_string().contains("`export GREENROOM_COOKIE=$(head -c 32 /dev/urandom | base64)`"));
}

#[greenroom::test]
async fn an_error_that_wraps_another_has_its_text_and_its_cause() {
    let denied = || CookieError::File("home/cookie".into(), io::ErrorKind::PermissionDenied.into());
    let text = "cannot read or create the cookie file home/cookie (check its permissions, or set GREENROOM_COOKIE)";
    for error in [&denied() as &dyn Error, &NodeError::Cookie(denied())] {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_some_and(<dyn Error>::is::<io::Error>));
    }
    let error = error_of(Node::builder("a")).await;
    assert!(matches!(error, NodeError::Name(_)));
    assert!(error.to_string().starts_with("invalid node name `a`") && error.source().is_none(), "{error}");
    let error = error_of(Node::builder("a@test").tick(Duration::ZERO)).await;
    assert_eq!(error.to_string(), "the tick 0ns is out of range: expected 10 ms to a day");
    let error = error_of(Node::builder("a@test").advertise("")).await;
    assert_eq!(error.to_string(), "cannot advertise ``: expected 1 to 512 bytes");
}
