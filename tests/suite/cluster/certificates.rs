//! Nodes with certificates over sockets: their refusals with the log of both sides, roles, and the errors of a start.

use std::error::Error;
use std::fs;
use std::process::Command;

use greenroom::prelude::*;
use greenroom::{
    CallErrorKind, CertificateError, CertificateFault, Certificates, NodeBuilder, NodeError, Policy, Right,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::echo_server::{EchoServerRef, Visitor, echo_server};
use crate::authority::{Authority, Contents, DAY, Folder, Issued, VALID};
use crate::events::Events;

fn files(folder: &Folder) -> Certificates {
    Certificates::files(folder.authorities(), folder.certificate(), folder.key())
}

fn builder(name: &str, folder: &Folder) -> NodeBuilder {
    Node::builder(name).certificates(files(folder))
}

/// Returns a folder with the certificate of a node with a role.
fn with_role(authority: &Authority, node: &str, role: &str) -> Folder {
    let uris = [format!("greenroom:{node}"), format!("greenroom-role:{role}")];
    let contents = Contents { uris: &uris.each_ref().map(String::as_str), ..VALID };
    Folder::new(&authority.pem(), &authority.issue_with(&contents))
}

#[tokio::test]
async fn nodes_with_certificates_call_and_link_each_other() {
    let authority = Authority::new("shop");
    let folders = ["server@test", "client@test"].map(|node| Folder::new(&authority.pem(), &authority.issue(node)));
    let server = builder("server@test", &folders[0]).listen("127.0.0.1:0").start().await.unwrap();
    echo_server(&server, "echo");
    let client = builder("client@test", &folders[1]).seed(server.address().unwrap()).start().await.unwrap();
    let far: EchoServerRef = client.named_at("echo", "server@test");
    for bytes in [0, 1, 20_000, 3_000_000] {
        assert_eq!(far.large(bytes).await.map(|text| text.len()), Ok(bytes));
    }
    assert_eq!(far.echo("x".repeat(1_000_000)).await.map(|text| text.len()), Ok(1_000_000));
    let direct = far.who().await.unwrap();
    let (sender, is_linked) = oneshot::channel();
    let linked = {
        let _current = client.enter();
        greenroom::spawn(async move |mut mailbox: Mailbox<Visitor>| {
            mailbox.link(&direct);
            direct.echo("linked".into()).await?;
            // The test waits for it.
            let _ = sender.send(());
            mailbox.receive().await;
            Ok::<(), Exit>(())
        })
    };
    let ended = linked.ended();
    is_linked.await.unwrap();
    server.stop().await;
    assert_eq!(ended.await, Exit::shutdown());
    client.stop().await;
}

async fn until_refused(node: &Node, count: u64) {
    let refused = async {
        while node.counters().refused_connections < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), refused).await.is_ok(), "{:?}", node.counters());
}

#[tokio::test]
async fn each_refusal_is_a_warning_with_its_reason_on_both_sides() {
    let (events, _listening) = Events::listen(&["greenroom"], &["address"]);
    let (shop, rival) = (Authority::new("shop"), Authority::new("rival"));
    let both = shop.pem() + &rival.pem();
    let server_folder = Folder::new(&shop.pem(), &shop.issue("server@test"));
    let stranger = Folder::new(&rival.pem(), &rival.issue("other@test"));
    let rival_folder = Folder::new(&both, &rival.issue("other@test"));
    let admin = with_role(&shop, "other@test", "admin");
    let with_certificates = || builder("server@test", &server_folder);
    let with_cookie = |name: &str| Node::builder(name).cookie(Cookie::random().unwrap());
    for (server, other, at_server, at_other) in [
        (
            with_certificates(),
            builder("other@test", &stranger),
            "the peer does not accept this node's certificate: the peer does not trust the authority that has issued it",
            "the peer's certificate was not issued by an authority that this node trusts",
        ),
        (
            with_certificates(),
            builder("other@test", &rival_folder),
            "the peer's certificate was not issued by an authority that this node trusts",
            "the peer does not accept this node's certificate: the peer does not trust the authority that has issued it",
        ),
        (
            with_certificates(),
            builder("other@test", &admin),
            "the peer's certificate has the role `admin`, which the policy of this node does not define",
            "refused by the peer: the policy does not define the role in the certificate of the refused node",
        ),
        (
            with_certificates(),
            with_cookie("other@test"),
            "the peer has a cookie, and this node requires certificates",
            "the peer has certificates, and this node a cookie",
        ),
        (
            with_cookie("server@test"),
            builder("other@test", &stranger),
            "the peer has certificates, and this node a cookie",
            "the peer has a cookie, and this node requires certificates",
        ),
    ] {
        let server = server.listen("127.0.0.1:0").start().await.unwrap();
        let other = other.seed(server.address().unwrap()).start().await.unwrap();
        // More than one attempt: none of them falls back to another way in.
        until_refused(&server, 3).await;
        until_refused(&other, 3).await;
        assert_eq!((server.peers(), other.peers()), (vec![], vec![]));
        other.stop().await;
        let lines = events.take();
        server.stop().await;
        let of = |name: &str| -> Vec<String> {
            let field = format!(" node={name}");
            let own = lines.iter().filter(|line| line.contains(&field) && !line.starts_with("INFO"));
            own.map(|line| line.replace(&field, "")).collect()
        };
        assert_eq!(of("server@test"), [format!("WARN connection refused reason={at_server}")]);
        assert_eq!(of("other@test"), [format!("WARN connection refused reason={at_other}")]);
    }
}

#[tokio::test]
async fn strangers_at_a_node_with_certificates_are_one_line_a_minute() {
    let (events, _listening) = Events::listen(&["greenroom"], &["address"]);
    let authority = Authority::new("shop");
    let folder = Folder::new(&authority.pem(), &authority.issue("server@test"));
    let server = builder("server@test", &folder).listen("127.0.0.1:0").start().await.unwrap();
    let address = server.address().unwrap();
    for bytes in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"GRNTGET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        if !bytes.is_empty() {
            drop(stream.read(&mut [0; 64]).await);
        }
    }
    // No more than the first bytes, until the node closes the connection after five seconds.
    let mut silent = TcpStream::connect(&address).await.unwrap();
    silent.write_all(b"GRNT").await.unwrap();
    assert_eq!(silent.read(&mut [0; 64]).await.unwrap(), 4);
    until_refused(&server, 4).await;
    tokio::time::pause();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    until_refused(&server, 5).await;
    let levels = |lines: Vec<String>| lines.iter().map(|line| line[..5].to_owned()).collect::<Vec<_>>();
    assert_eq!(levels(events.take()), ["INFO ", "DEBUG", "DEBUG", "DEBUG", "DEBUG", "DEBUG"]);
}

/// Returns whether a client with this role in its certificate may use names at, and end processes of, a server.
async fn rights(role: Option<&str>, policy: Policy) -> [bool; 2] {
    let authority = Authority::new("shop");
    let server_folder = Folder::new(&authority.pem(), &authority.issue("server@test"));
    let client_folder = match role {
        Some(role) => with_role(&authority, "client@test", role),
        None => Folder::new(&authority.pem(), &authority.issue("client@test")),
    };
    let server = builder("server@test", &server_folder).listen("127.0.0.1:0").policy(policy).start().await.unwrap();
    let echo = echo_server(&server, "echo");
    let client = builder("client@test", &client_folder).seed(server.address().unwrap()).start().await.unwrap();
    let far: EchoServerRef = client.named_at("echo", "server@test");
    let names = match far.echo("hello".into()).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind, CallErrorKind::NotAllowed(Right::Names));
            false
        }
    };
    far.exit(Exit::shutdown());
    let is_over = tokio::time::timeout(Duration::from_millis(300), echo.ended()).await.is_ok();
    client.stop().await;
    server.stop().await;
    [names, is_over]
}

#[tokio::test]
async fn a_certificate_gives_its_node_a_role_of_the_policy() {
    let policy = || {
        let policy = Policy::cookie().without(Right::Names);
        policy.role("monitor", [Right::Names]).role("operator", [Right::Names, Right::Exit]).role("guest", [])
    };
    assert_eq!(rights(None, policy()).await, [false, true]);
    assert_eq!(rights(Some("monitor"), policy()).await, [true, false]);
    assert_eq!(rights(Some("operator"), policy()).await, [true, true]);
    // A role that the policy assigns to the name counts before that of the certificate.
    let assigned = policy().assign("client@test", "guest");
    assert_eq!(rights(Some("operator"), assigned).await, [false, false]);
}

#[tokio::test]
async fn a_node_does_not_start_with_certificates_that_its_peers_would_refuse() {
    let (shop, rival) = (Authority::new("shop"), Authority::new("rival"));
    let issue = |contents| shop.issue_with(&contents);
    let good = shop.issue("a@test");
    let with = |issued: Issued| Folder::new(&shop.pem(), &issued);
    for (folder, expected) in [
        (with(rival.issue("a@test")), "NODE was not issued by an authority that this node trusts"),
        (with(issue(Contents { uris: &["greenroom:a@test"], valid: -2 * DAY..-DAY, ..VALID })), "NODE has expired"),
        (with(issue(Contents { uris: &["greenroom:a@test"], valid: DAY..2 * DAY, ..VALID })), "NODE is not valid yet"),
        // The files of another node.
        (
            with(shop.issue("b@test")),
            "NODE is for `b@test`, not for `a@test`: its subject alternative names need the URI `greenroom:a@test`",
        ),
        (with(issue(VALID)), "NODE names no node: its subject alternative names need the URI `greenroom:name@host`"),
        (
            with(Issued { key: shop.issue("a@test").key, ..good.clone() }),
            "the key in KEY is not that of the certificate in `FOLDER/node.pem`",
        ),
        (
            with(Issued { key: String::new(), ..good.clone() }),
            "expected a private key in PEM in KEY: the file has none",
        ),
        (
            with(Issued { certificate: String::new(), ..good.clone() }),
            "expected certificates in PEM in `FOLDER/node.pem`: the file has none",
        ),
        (Folder::new("", &good), "expected certificates in PEM in `FOLDER/ca.pem`: the file has none"),
    ] {
        let error = builder("a@test", &folder).listen("127.0.0.1:0").start().await.map(drop).unwrap_err();
        assert!(matches!(error, NodeError::Certificates(_)));
        let path = folder.key().parent().unwrap().display().to_string();
        let expected = expected
            .replace("NODE", "the certificate in `FOLDER/node.pem`")
            .replace("KEY", "`FOLDER/node.key`")
            .replace("FOLDER", &path);
        assert_eq!(error.to_string(), expected);
        assert!(error.source().is_none());
    }
    let folder = with(good);
    fs::remove_file(folder.key()).unwrap();
    let error = builder("a@test", &folder).listen("127.0.0.1:0").start().await.map(drop).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read `{}`", folder.key().display()));
    assert!(error.source().is_some_and(<dyn Error>::is::<std::io::Error>));
    let fault = CertificateError::Certificate("node.pem".into(), CertificateFault::Usage);
    assert!(fault.to_string().contains("extendedKeyUsage = serverAuth, clientAuth"), "{fault}");
}

#[tokio::test]
async fn a_node_has_a_cookie_or_certificates() {
    let authority = Authority::new("shop");
    let folder = Folder::new(&authority.pem(), &authority.issue("a@test"));
    let cookie = || Cookie::random().unwrap();
    let builder = || builder("a@test", &folder).listen("127.0.0.1:0");
    for builder in [builder().cookie(cookie()), builder().accept_cookie(cookie())] {
        let error = builder.start().await.map(drop).unwrap_err();
        assert!(matches!(error, NodeError::CookieAndCertificates));
    }
    builder().start().await.unwrap().stop().await;
}

/// Returns what a program prints whose environment defines its node. Its `main` fails once the node runs.
fn printed(variables: &[(&str, &str)]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_main_error"));
    for name in ["COOKIE", "ACCEPT_COOKIE", "TLS_CA", "TLS_CERT", "TLS_KEY", "SEEDS"] {
        program.env_remove(format!("GREENROOM_{name}"));
    }
    // Without a home directory, there is no cookie.
    program.env_remove("HOME").env_remove("USERPROFILE");
    program.envs([("GREENROOM_NODE", "a@test"), ("GREENROOM_LISTEN", "127.0.0.1:0")]).envs(variables.iter().copied());
    String::from_utf8(program.output().expect("the program runs").stderr).expect("the output is UTF-8")
}

#[test]
fn the_environment_defines_the_certificates_of_a_node() {
    let authority = Authority::new("shop");
    let folder = Folder::new(&authority.pem(), &authority.issue("a@test"));
    let [ca, certificate, key] =
        [folder.authorities(), folder.certificate(), folder.key()].map(|path| path.display().to_string());
    let all = [
        ("GREENROOM_TLS_CA", ca.as_str()),
        ("GREENROOM_TLS_CERT", certificate.as_str()),
        ("GREENROOM_TLS_KEY", key.as_str()),
    ];
    assert!(printed(&[]).contains("GREENROOM_COOKIE"), "no way in: {}", printed(&[]));
    assert_eq!(printed(&all), "error: cannot read the order: invalid digit found in string\n");
    for missing in 0..3 {
        let mut some = all.to_vec();
        let (name, _) = some.remove(missing);
        assert!(printed(&some).starts_with(&format!("error: `{name}` is not set: certificates need ")));
    }
    let cookie = Cookie::random().unwrap().expose();
    for name in ["GREENROOM_COOKIE", "GREENROOM_ACCEPT_COOKIE"] {
        let both = [&all[..], &[(name, cookie.as_str())]].concat();
        assert!(printed(&both).starts_with("error: a node has a cookie or certificates"));
    }
}
