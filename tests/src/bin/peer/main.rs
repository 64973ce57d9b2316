//! A node in a process of its own, for a test that kills it.
//!
//! The environment says who it is and where it listens; it says its address on standard output, serves as `keeper`, and
//! ends when its standard input does, so that it never outlives the test.

mod keeper;

use std::io::Read;

use greenroom::Node;
use greenroom::prelude::*;
use keeper::{Keeper, KeeperRef};
use tokio::sync::oneshot;

/// Keeps what it is asked to hold.
#[actor(protocol = Keeper, name = "keeper")]
struct Shelf;

impl Process for Shelf {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let mut held = Vec::new();
        loop {
            match cx.receive().await {
                Keeper::Echo { text, reply } => reply.send(text),
                Keeper::Hold { reply } => held.push(reply),
                Keeper::Who { reply } => reply.send(cx.me()),
            }
        }
    }
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let keeper: KeeperRef = Shelf.start().await?;
    println!("{}", Node::current().address().unwrap_or_default());
    let (over, end) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = over.send(());
    });
    let _ = end.await;
    keeper.stop(Exit::shutdown()).await;
    Ok(())
}
