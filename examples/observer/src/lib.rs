//! What goes on in a node, for a person: a page, and the same in a terminal.
//!
//! A [`Watcher`] is a process of the node that it shows. Crashes, restarts and alarms come to it as they happen; at
//! supervision trees and processes it looks only when somebody asks; what it answers, a [`View`], is data, so another
//! node can ask it as well. A [`Web`] serves a page and pushes a view a second, and one when something has happened, to
//! whoever has it open: each of them is a process of its own. Both are children of an [`ObserverTree`], which a program starts last and so stops first:
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
//! Invariants: nothing that is kept or sent grows with the node, but for one number a process while somebody looks; a
//! view has at most [`MOST_ROWS`] processes; at most [`MOST_CLIENTS`] look at once. Whoever is slow gets fewer views, not
//! later ones, and whoever takes nothing is let go.

mod client;
mod guard;
mod news;
mod tree;
mod view;
mod watcher;
mod web;

pub use client::{MOST_CLIENTS, Reader, ReaderRef};
pub use news::{Kind, News};
pub use tree::ObserverTree;
pub use view::{Figures, MOST_ROWS, Query, Row, Sort, Twig, View};
pub use watcher::{Watcher, WatcherMessage, WatcherRef};
pub use web::{Web, WebMessage, WebMessageRef};
