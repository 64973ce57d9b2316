//! A chat server: rooms, a history on disk, a web page, and nodes that join each other.
//!
//! The reading order: [`services`] lists the five services, which are applications, and [`tree`] their processes.
//! [`rooms`], [`log`], [`analytics`] and [`reporting`] are some of them, and [`history`] has those that write the lines on
//! all nodes. [`session`] is the process of one person, with a [`membership`] of a room; [`web`] accepts browsers.
//! [`cluster`] starts several nodes. [`demo`] plays a text file on three nodes, kills two of them on the way, and counts
//! lost lines. [`load`] has thousands of people.

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

use args::{Command, HELP, Serve};
use greenroom::prelude::*;
use greenroom::{Application, NodeBuilder};
use observer::ObserverTree;
use services::{Place, Service, Services};
use terminal::{LevelFilter, Terminal};
use tree::{NodeSettings, applications};

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[greenroom::main(node = start_node().await)]
async fn main() -> greenroom::Result {
    match command()? {
        Command::Help => print!("{HELP}"),
        Command::Serve(args) => serve(args).await?,
        Command::Demo(file) => demo::play(&file).await?,
        Command::Load(people) => load::run(people).await?,
        Command::Cluster { size, port, data, observe } => cluster::run(size, port, observe, &data).await?,
    }
    Ok(())
}

fn command() -> Result<Command, Exit> {
    Command::parse(std::env::args().skip(1)).map_err(Exit::error)
}

/// Part of the note of a node that has the number of its process.
const PROCESS: &str = "process ";

/// The time between two attempts to start the observer.
const OBSERVER_PERIOD: Duration = Duration::from_secs(1);

/// The time after which a silent node counts as lost.
const NODE_TIMEOUT: Duration = Duration::from_secs(10);

/// Starts the node of the program: one of several by `--node`, otherwise one without connections.
async fn start_node() -> Result<Node, Exit> {
    let Command::Serve(Serve { node: Some(own), others, port, .. }) = command()? else { return Ok(Node::local()) };
    let builder = Node::builder(&own.name).cookie(Cookie::load()?).listen(own.address.to_string()).tick(NODE_TIMEOUT);
    let builder = match own.services.contains(&Service::Web) {
        true => builder.metadata(web::PAGE, format!("http://127.0.0.1:{port}")),
        false => builder,
    };
    Ok(others.iter().map(|other| other.address.to_string()).fold(builder, NodeBuilder::seed).start().await?)
}

/// Runs the services of this node, until a signal stops the program. Then the web stops first and the log last, and the
/// sessions and the connections after them.
async fn serve(args: Serve) -> greenroom::Result {
    let label = args.node.as_ref().and_then(|node| node.name.as_str().split('@').next());
    let terminal = Terminal::open(label, LevelFilter::WARN);
    let here = args.node.as_ref().map_or(Service::ALL.to_vec(), |own| own.services.clone());
    let others = args.others.into_iter().map(|other| Place { node: other.name, services: other.services });
    let services = Services::new(&Node::current(), here, others.collect());
    let listener = match services.are_here(Service::Web) {
        true => Some(greenroom::listener("web", format!("127.0.0.1:{}", args.port)).await?),
        false => None,
    };
    let settings = NodeSettings::new(args.data, services, terminal.clone())?;
    terminal.start_quietly(|| applications(&settings, listener).start()).await?;
    // A node of several prints the number of its process, to which signals are sent.
    if args.node.is_some() {
        terminal.note(&format!("{PROCESS}{} runs {}", std::process::id(), settings.services));
    }
    // The node stops if one of the applications ends.
    tokio::select! {
        () = observe(args.observe, &settings) => Ok(()),
        () = input_end(), if args.child => Ok(()),
    }
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

/// Serves the observer's page on this port, and never returns. It starts after the services and stops before them; they do
/// not depend on it. In a node that is upgraded, the predecessor has the port until it stops.
async fn observe(port: Option<u16>, settings: &NodeSettings) {
    let Some(port) = port else { return std::future::pending().await };
    let mut is_noted = false;
    loop {
        let here = Service::ALL.into_iter().filter(|service| settings.services.are_here(*service));
        let observer = Application::new("observer", ObserverTree::at(([127, 0, 0, 1], port).into()));
        match here.fold(observer, |observer, service| observer.after(service.name())).start().await {
            Ok(observer) => {
                settings.terminal.note(&format!("observer: http://127.0.0.1:{port}"));
                observer.ended().await;
            }
            Err(error) if !is_noted => {
                is_noted = true;
                settings.terminal.note(&format!("observer: {}; trying again", Exit::from(error)));
            }
            Err(_) => {}
        }
        tokio::time::sleep(OBSERVER_PERIOD).await;
    }
}
