//! The processes that look at nodes: an [`Observer`], which has a [`Watcher`] for each node.

mod action;
mod event_log;
mod flows;
mod observer;
mod summary;
mod view;
mod watcher;

pub use action::Action;
pub use event_log::{EventKind, EventRecord};
pub use flows::{Flow, Kind};
pub use observer::{
    MAX_NODES, MAX_SUBSCRIBERS, Observer, ObserverMessage, ObserverRef, Overview, Subscriber, SubscriberRef,
};
pub use summary::{Connection, MAX_POINTS, Point, Summary};
pub use view::{MAX_ROWS, Query, Row, Sort, TreeLine, View};
pub use watcher::{Report, Watcher, WatcherMessage, WatcherRef};
