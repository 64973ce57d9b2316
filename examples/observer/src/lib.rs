//! A live view of a cluster: nodes, connections, processes, supervision trees, message flows and events, on a web page,
//! in a terminal, and by commands.
//!
//! A hidden node [attaches](Target) to the cluster. Its [`Observer`] is a process that has a [`Watcher`] for each node. A
//! watcher puts greenroom's questions for observers to its node, and only when a client looks. The observer has the
//! events of all nodes. Both answer with data: an [`Overview`] of all nodes, and a [`View`] of one. A [`Web`] serves a
//! page and sends both once a second, and after each event, to each client; each client has its own process. They are the
//! children of an [`ObserverTree`].
//!
//! A program can also have the observer of its own node. It starts the tree last, and so stops it first:
//!
//! ```no_run
//! use greenroom::{Application, prelude::*};
//!
//! # #[greenroom::main]
//! # async fn main() -> greenroom::Result {
//! // The page is at http://127.0.0.1:9090.
//! Application::new("observer", observer::ObserverTree::at(([127, 0, 0, 1], 9090).into())).start().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: nothing that is stored or sent grows with a node, except one pid and one number for each of its 10,000
//! oldest processes. A view has at most [`MAX_ROWS`] processes, an overview at most [`MAX_NODES`] nodes, and at most
//! [`MAX_CLIENTS`] clients are connected. A slow client receives fewer views, not later ones, and a client that does not
//! read is disconnected.

mod attach;
mod tree;
mod watch;
mod web;

pub use attach::{Addresses, Target};
pub use tree::ObserverTree;
pub use watch::{
    Action, Connection, EventKind, EventRecord, Flow, Kind, MAX_NODES, MAX_POINTS, MAX_ROWS, MAX_SUBSCRIBERS, Observer,
    ObserverMessage, ObserverRef, Overview, Point, Query, Report, Row, Sort, Subscriber, SubscriberRef, Summary,
    TreeLine, View, Watcher, WatcherMessage, WatcherRef,
};
pub use web::{MAX_CLIENTS, Web, WebMessage, WebMessageRef, is_address};
