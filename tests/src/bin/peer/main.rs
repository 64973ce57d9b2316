//! A node in an OS process of its own, for tests that stop it, kill it, or disturb its connections.
//!
//! The environment sets the node's configuration: see [`configured`]. Each line of standard input is a command, whose
//! first word is followed by a key. The program prints a line for each result, which begins with the key, and for each
//! log event. It stops in order when its standard input closes, or by SIGTERM.
//!
//! | command | results |
//! |---|---|
//! | `watch KEY NODE` | `ready NUMBER`, then the ends of all relations with processes of that node: see [`watch`] |
//! | `retry KEY` | the results of requests through the stubs of an earlier `watch` |
//! | `echo KEY NODE MILLISECONDS [BYTES]` | `ok` or the error of a call, which returns a text of so many bytes |
//! | `hold KEY NODE MILLISECONDS` | the error of a call that is not answered |
//! | `send KEY NODE COUNT` | the number of the messages in order that the other node has received from this one |
//! | `parcel KEY NODE` | the error of a call whose message cannot be decoded |

mod log;
mod service;
mod watch;

use std::collections::HashMap;
use std::io::BufRead;

use greenroom::prelude::*;
use greenroom::{Mesh, NodeBuilder, Shutdown};
use tokio::sync::mpsc;

use log::say;
use service::{Parcel, Server, ServiceRef};
use watch::{ReportRef, Watcher};

/// Returns the node with the name `PEER_NAME`, the address `PEER_LISTEN`, the seeds `PEER_SEEDS` (separated by commas) and
/// the tick `PEER_TICK` in milliseconds. With `PEER_HIDDEN` it dials its seeds only.
fn configured() -> greenroom::Result<NodeBuilder> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let mut builder = Node::builder(variable("PEER_NAME")).cookie(Cookie::load()?).listen(variable("PEER_LISTEN"));
    if std::env::var_os("PEER_HIDDEN").is_some() {
        builder = builder.membership(Mesh::hidden());
    }
    for seed in variable("PEER_SEEDS").split(',').filter(|seed| !seed.is_empty()) {
        builder = builder.seed(seed);
    }
    Ok(builder.tick(Duration::from_millis(variable("PEER_TICK").parse()?)))
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    log::install();
    let node = configured()?.start().await?;
    node.run(Shutdown::After(Duration::from_secs(10)), serve(node.clone())).await
}

/// Runs the service and executes the commands until there are no more.
async fn serve(node: Node) -> greenroom::Result {
    let staff = service::Staff {}.start().await?;
    let _service: ServiceRef = Server { staff, unanswered: Vec::new(), notes: HashMap::new() }.start().await?;
    say("serving", "");
    let (sender, mut commands) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut watchers = HashMap::new();
    while let Some(command) = commands.recv().await {
        let words: Vec<&str> = command.split(' ').collect();
        execute(&node, &words, &mut watchers).unwrap_or_else(|| panic!("unknown command `{command}`"));
    }
    Ok(())
}

/// Begins a command; `None` if it is not a known one.
fn execute(node: &Node, words: &[&str], watchers: &mut HashMap<String, ReportRef>) -> Option<()> {
    let (&command, &key) = (words.first()?, words.get(1)?);
    let number = |index: usize| words.get(index)?.parse::<u64>().ok();
    let key = key.to_owned();
    if command == "retry" {
        drop(watchers.get(&key)?.retry());
        return Some(());
    }
    let service: ServiceRef = node.named_at("service", *words.get(2)?);
    match command {
        "watch" => {
            let watcher = node.spawn(Watcher { key: key.clone(), service });
            watchers.insert(key, watcher);
        }
        "echo" => {
            let text = "x".repeat(usize::try_from(number(4).unwrap_or(0)).ok()?);
            let call = service.echo(text.clone()).within(Duration::from_millis(number(3)?));
            report(key, async move { call.await.map(|returned| if returned == text { "ok" } else { "changed" }) });
        }
        "hold" => {
            let call = service.hold().within(Duration::from_millis(number(3)?));
            report(key, call);
        }
        "parcel" => {
            // The cast is lost at the other node, which is not reported to its sender.
            drop(service.post(Parcel));
            report(key, service.weigh(Parcel));
        }
        "send" => {
            let (count, from) = (number(3)?, node.name().to_string());
            let _current = node.enter();
            greenroom::spawn(async move |_: Mailbox<watch::Report>| {
                for n in 0..count {
                    service.note(from.clone(), n).await?;
                }
                say(&key, service.notes(from).await?);
                Ok::<(), Exit>(())
            });
        }
        _ => return None,
    }
    Some(())
}

/// Prints the result of a call when it is there.
fn report<T: std::fmt::Display + Send>(key: String, call: impl Future<Output = Result<T, CallError>> + Send + 'static) {
    tokio::spawn(async move {
        match call.await {
            Ok(value) => say(&key, value),
            Err(error) => say(&key, format_args!("{:?}", error.kind)),
        }
    });
}
