//! A chat server: rooms, a history on disk, a web page, and nodes that join each other.
//!
//! The reading order: [`tree`] lists the processes of a node. [`rooms`], [`log`], [`analytics`] and [`reporting`] are
//! some of them, and [`history`] has those that write the lines on all nodes. [`session`] is the process of one person,
//! with a [`membership`] of a room; [`web`] accepts browsers. [`cluster`] starts several nodes. [`demo`] plays a text
//! file on three nodes, kills two of them on the way, and counts lost lines. [`load`] has thousands of people.

mod analytics;
mod args;
mod cluster;
mod demo;
mod history;
mod line;
mod load;
mod log;
mod membership;
mod nodes;
mod presence;
mod reporting;
mod rooms;
#[cfg(test)]
mod scenario;
mod scratch;
mod services;
mod session;
mod terminal;
mod text;
mod tree;
mod visitor;
mod web;

use std::net::TcpListener;
use std::process::ExitCode;

use args::{Command, HELP, Serve};
use greenroom::prelude::*;
use greenroom::{Application, NodeBuilder, Shutdown};
use nodes::Nodes;
use observer::ObserverTree;
use terminal::{LevelFilter, Terminal};
use tree::{ChatTree, NodeSettings};

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
        Command::Load(people) => return load::run(people).await,
        Command::Cluster { size, port, data } => cluster::run(size, port, &data).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The time limit for the stop of the chat.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The time after which a silent node counts as lost.
const NODE_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves the page until a signal stops the program.
async fn serve(args: Serve) -> greenroom::Result {
    let label = args.node.as_ref().and_then(|node| node.name.as_str().split('@').next());
    let terminal = Terminal::open(label, LevelFilter::WARN);
    let listener = TcpListener::bind(("127.0.0.1", args.port))
        .map_err(|error| Exit::error(format!("cannot listen at 127.0.0.1:{}: {error}", args.port)))?;
    let node = match &args.node {
        None => Node::local(),
        Some(own) => {
            let page = format!("http://{}", listener.local_addr()?);
            let builder = Node::builder(&own.name).cookie(Cookie::load()?).listen(own.address.to_string());
            let builder = builder.metadata(web::PAGE, page).tick(NODE_TIMEOUT);
            let others = args.others.iter().map(|other| other.address.to_string());
            others.fold(builder, NodeBuilder::seed).start().await?
        }
    };
    let nodes = Nodes::new(node.name(), args.others.into_iter().map(|other| other.name));
    let settings = NodeSettings::new(args.data, nodes, listener, terminal)?;
    let chat = run_tree(settings, args.observe);
    let run = async {
        tokio::select! {
            ended = chat => ended,
            () = input_end(), if args.child => Ok(()),
        }
    };
    // On a signal the web stops first and the log last, then the sessions, then the connections.
    node.run(Shutdown::After(STOP_TIMEOUT), run).await
}

/// Runs the supervision tree of a node, until it ends.
async fn run_tree(settings: NodeSettings, observe_at: Option<u16>) -> greenroom::Result {
    let terminal = settings.terminal.clone();
    let tree = ChatTree { settings };
    let chat = terminal.start_quietly(|| Application::new("chat", tree).permanent().start()).await?;
    observe(observe_at, &terminal).await?;
    chat.join().await
}

/// Waits for the end of the standard input, on a thread of its own: it never ends otherwise, and the stop of the program
/// would wait for it.
async fn input_end() {
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(ended);
    });
    let _ = end.await;
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
