//! A chat server: rooms, a history on disk, a web page, and nodes that join each other.
//!
//! The reading order: [`tree`] lists the processes; [`rooms`], [`database`], [`log`], [`analytics`] and [`reporting`]
//! are those processes. [`session`] is the process of one person, with a [`membership`] of a room. [`web`] accepts
//! browsers, and [`services`] finds the processes on another node. [`demo`] plays a text file on two nodes, kills one
//! of them midway, and counts lost lines.

mod analytics;
mod args;
mod database;
mod demo;
mod line;
mod log;
mod membership;
mod reporting;
mod rooms;
#[cfg(test)]
mod scenario;

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
use tree::{ChatTree, JoinedTree, NodeSettings};

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
        Command::DemoNode(args) => demo::run_second_node(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The time limit for the stop of the chat.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves the page until a signal stops the program.
async fn serve(args: Serve) -> greenroom::Result {
    let terminal = Terminal::open(true, LevelFilter::WARN);
    let settings = NodeSettings::new(args.data.clone(), args.node.as_ref().map(|(name, _)| name), args.port, terminal)?;
    let node = match &args.node {
        None => Node::local(),
        Some((name, listen)) => {
            let builder = Node::builder(name).cookie(Cookie::load()?).listen(listen.to_string());
            args.seeds.iter().fold(builder, |builder, seed| builder.seed(seed.to_string())).start().await?
        }
    };
    // On a signal the web stops first and the log last, then the sessions, then the connections.
    node.run(Shutdown::After(STOP_TIMEOUT), run_tree(&node, settings, &args)).await
}

/// Runs the supervision tree for this node's settings, until it ends.
async fn run_tree(node: &Node, settings: NodeSettings, args: &Serve) -> greenroom::Result {
    let terminal = settings.terminal.clone();
    if args.seeds.is_empty() {
        let services = Services::of(node, node.name());
        let tree = ChatTree { settings, services };
        let chat = terminal.start_quietly(|| Application::new("chat", tree).permanent().start()).await?;
        observe(args.observe, &terminal).await?;
        chat.join().await
    } else {
        terminal.note(&format!("looking for the rooms at {:?}", args.seeds));
        let services = Services::find(node).await;
        let tree = JoinedTree { settings, services };
        let chat = terminal.start_quietly(|| Application::new("chat", tree).permanent().start()).await?;
        observe(args.observe, &terminal).await?;
        chat.join().await
    }
}

/// Serves the observer's page on this port. It starts after the chat and stops before it; the chat does not depend on
/// it.
async fn observe(port: Option<u16>, terminal: &Terminal) -> greenroom::Result {
    let Some(port) = port else { return Ok(()) };
    let tree = ObserverTree::at(([127, 0, 0, 1], port).into());
    terminal.start_quietly(|| Application::new("observer", tree).after("chat").start()).await?;
    terminal.note(&format!("observer: http://127.0.0.1:{port}"));
    Ok(())
}
