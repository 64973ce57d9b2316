//! A chat on greenroom: rooms, history, a page, and nodes that join each other.
//!
//! Read it in this order: [`tree`] says which processes there are; [`rooms`], [`database`], [`log`],
//! [`analytics`] and [`reporting`] are those processes; [`session`] is the process of one person, with its
//! [`seat`] in a room; [`web`] lets people in; [`services`] finds what is on another node. [`demo`] plays a
//! text file through all of it, kills one of two nodes midway, and counts what was lost: nothing.

mod analytics;
mod args;
mod database;
mod demo;
mod line;
mod log;
mod reporting;
mod rooms;
#[cfg(test)]
mod scenario;
mod seat;
mod services;
mod session;
mod store;
mod terminal;
mod text;
mod tree;
mod web;

use std::process::ExitCode;

use args::{Command, HELP, Serve};
use greenroom::prelude::*;
use greenroom::{Application, Shutdown};
use observer::ObserverTree;
use services::Services;
use terminal::{LevelFilter, Terminal};
use tree::{BranchTree, ChatTree, NodeSettings};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("chat: {reason}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> greenroom::Result<ExitCode> {
    match Command::parse(std::env::args().skip(1)).map_err(Exit::error)? {
        Command::Help => print!("{HELP}"),
        Command::Serve(args) => serve(args).await?,
        Command::Demo(file) => return demo::play(&file).await,
        Command::Side(side) => demo::side(side).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// How long the chat may take to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// Serves the page until it is told to stop.
async fn serve(args: Serve) -> greenroom::Result {
    let terminal = Terminal::open(true, LevelFilter::WARN);
    let place = NodeSettings::new(args.data.clone(), args.node.as_ref().map(|(name, _)| name), args.port, terminal)?;
    let node = match &args.node {
        None => Node::local(),
        Some((name, listen)) => {
            let builder = Node::builder(name).cookie(Cookie::load()?).listen(listen.to_string());
            args.seeds.iter().fold(builder, |builder, seed| builder.seed(seed.to_string())).start().await?
        }
    };
    // A signal ends it as well: the web stops first and the log last, then the people, then the connections.
    node.run(Shutdown::After(DRAIN), live(&node, place, &args)).await
}

/// Runs the tree that is right for this node; ends only if the tree does.
async fn live(node: &Node, place: NodeSettings, args: &Serve) -> greenroom::Result {
    let terminal = place.terminal.clone();
    if args.seeds.is_empty() {
        let services = Services::of(node, node.name());
        let tree = ChatTree { place, services };
        let chat = terminal.hushed(|| Application::new("chat", tree).permanent().start()).await?;
        observe(args.observe, &terminal).await?;
        chat.join().await
    } else {
        terminal.note(&format!("looking for the rooms at {:?}", args.seeds));
        let services = Services::find(node).await;
        let tree = BranchTree { place, services };
        let chat = terminal.hushed(|| Application::new("chat", tree).permanent().start()).await?;
        observe(args.observe, &terminal).await?;
        chat.join().await
    }
}

/// Shows the node to whoever asks for the page on this port. It starts after the chat and stops before it, and the chat
/// does not need it.
async fn observe(port: Option<u16>, terminal: &Terminal) -> greenroom::Result {
    let Some(port) = port else { return Ok(()) };
    let tree = ObserverTree::at(([127, 0, 0, 1], port).into());
    terminal.hushed(|| Application::new("observer", tree).after("chat").start()).await?;
    terminal.note(&format!("observer: http://127.0.0.1:{port}"));
    Ok(())
}
