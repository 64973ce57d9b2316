//! Two operating system processes, one of which is killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

use greenroom::prelude::*;
use greenroom::{Node, NodeEvent};

use super::echo_server::{Visitor, down, exit, live, soon};
use super::loss::lookout;

#[path = "../../src/bin/peer/service.rs"]
mod service;
use service::ServiceRef;

/// The other OS process: node `peer@test`.
struct Peer {
    child: Child,
    address: String,
    /// Kept open: the process ends when it closes.
    _input: ChildStdin,
}

impl Peer {
    fn start(cookie: &Cookie, listen: &str) -> Peer {
        let mut child = Command::new(env!("CARGO_BIN_EXE_peer"))
            .env("GREENROOM_NODE", "peer@test")
            .env("GREENROOM_LISTEN", listen)
            .env(Cookie::VARIABLE, cookie.expose())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the other process starts");
        let mut address = String::new();
        let output = child.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut address).expect("it prints its address");
        let input = child.stdin.take().expect("its input is piped");
        Peer { child, address: address.trim().to_owned(), _input: input }
    }

    /// Sends SIGKILL: the process cannot send a goodbye.
    fn kill(&mut self) {
        self.child.kill().expect("it is running");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // In a passing test it is killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[greenroom::test(clock = real)]
async fn a_killed_peer_is_lost_at_once_and_comes_back_as_another() -> greenroom::Result {
    let cookie = Cookie::random()?;
    let mut peer = Peer::start(&cookie, "127.0.0.1:0");
    let address = peer.address.clone();
    let node = Node::builder("test@test").cookie(cookie.clone()).seed(&address).start().await?;
    let mut seen = lookout(&node).await;
    let service: ServiceRef = node.named_at("service", "peer@test");
    let old = service.stub().await?;
    let (by_name, by_pid) = (service.clone(), old.clone());
    live(&node, async move |mut mailbox: Mailbox<Visitor>| {
        mailbox.trap_exit(true);
        let monitors = [mailbox.monitor(&by_name), mailbox.monitor(&by_pid)];
        mailbox.link(&by_pid);
        let held_call = by_name.hold().within(Duration::from_secs(50));
        by_name.echo("the requests have arrived".into()).await?;
        let killed = Instant::now();
        peer.kill();
        let mut downs = [down(&mut mailbox).await, down(&mut mailbox).await];
        downs.sort_by_key(|down| down.monitor);
        assert_eq!(
            downs.each_ref().map(|down| (down.monitor, &down.reason)),
            monitors.map(|m| (m, &Exit::NoConnection))
        );
        let signal = exit(&mut mailbox).await;
        assert_eq!((Some(signal.from), signal.reason), (by_pid.pid(), Exit::NoConnection));
        assert_eq!(held_call.await, Err(CallError::NoConnection));
        assert_eq!(by_name.echo("hello".into()).await, Err(CallError::NoConnection));
        // A silent peer is lost after 60 s.
        assert!(killed.elapsed() < Duration::from_secs(5), "noticed after {:?}", killed.elapsed());
        Ok(())
    })
    .await;
    let first = (**old.pid().unwrap().node_id()).clone();
    assert_eq!(soon(seen.recv()).await, Some(NodeEvent::Down(first.clone())));

    let _peer = Peer::start(&cookie, &address);
    let Some(NodeEvent::Up(second)) = soon(seen.recv()).await else { panic!("the peer does not connect again") };
    assert!(second.name == first.name && second.incarnation > first.incarnation, "{first:?}, {second:?}");
    assert_eq!(service.echo("hello".into()).await.as_deref(), Ok("hello"));
    let new = service.stub().await?;
    assert_eq!(
        new.pid().unwrap().number(),
        old.pid().unwrap().number(),
        "the test needs two processes with one number"
    );
    assert_ne!(new, old);
    assert_eq!(old.echo("hello".into()).await, Err(CallError::NoProc));
    assert_eq!(old.ended().await, Exit::NoProc);
    Ok(())
}
