//! greenroom, tested through its public API.

mod bounds;
mod calls;
mod cluster;
mod conformance;
mod ends;
mod exits;
mod expand;
mod invariants;
mod links;
mod mail;
mod mailboxes;
mod monitors;
mod names;
mod nodes;
mod receive;
mod recipients;
mod save_queue;
mod servers;
mod spawn;
mod stage;
mod supervisors;
mod threads;
mod timed;
mod ui;
