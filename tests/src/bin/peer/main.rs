//! A node in an OS process of its own, for a test that kills it.
//!
//! The environment sets the node's name and its listen address. The program prints its address to standard output and
//! runs a process with the name `service`. It ends when its standard input closes, so it never outlives the test.

mod service;

use std::io::Read;

use greenroom::Node;
use greenroom::prelude::*;
use service::{Service, ServiceRef};
use tokio::sync::oneshot;

/// Answers the requests, and keeps the reply of each request that is never answered.
#[actor(protocol = Service, name = "service")]
struct Server;

impl Process for Server {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let mut unanswered = Vec::new();
        loop {
            match cx.receive().await {
                Service::Echo { text, reply } => reply.send(text),
                Service::Hold { reply } => unanswered.push(reply),
                Service::Stub { reply } => reply.send(cx.me()),
            }
        }
    }
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let service: ServiceRef = Server.start().await?;
    println!("{}", Node::current().address().unwrap_or_default());
    let (close, closed) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = close.send(());
    });
    let _ = closed.await;
    service.stop(Exit::shutdown()).await;
    Ok(())
}
