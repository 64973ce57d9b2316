//! A live view of a node's processes, supervision trees and events, on a web page and in a terminal.
//!
//! A [`Watcher`] is a process of the node that it shows. It receives crashes, restarts and alarms as they occur, and
//! inspects supervision trees and processes only on request. Its answer, a [`View`], is data, so another node can
//! call it as well. A [`Web`] serves a page and sends one view a second, and one after each event, to each client;
//! each client has its own process. Both are children of an [`ObserverTree`], which a program starts last and so
//! stops first:
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
//! Invariants: nothing that is stored or sent grows with the node, except one number for each process while a client
//! is connected. A view has at most [`MAX_ROWS`] processes, and at most [`MAX_CLIENTS`] clients are connected. A slow
//! client receives fewer views, not later ones, and a client that does not read is disconnected.

mod client;
mod event_log;
mod guard;
mod tree;
mod view;
mod watcher;
mod web;

pub use client::{MAX_CLIENTS, Subscriber, SubscriberRef};
pub use event_log::{EventKind, EventRecord};
pub use guard::is_address;
pub use tree::ObserverTree;
pub use view::{MAX_ROWS, NodeStats, Query, Row, Sort, TreeLine, View};
pub use watcher::{Watcher, WatcherMessage, WatcherRef};
pub use web::{Web, WebMessage, WebMessageRef};
