//! greenroom, tested through its public API.

mod bounds;
mod cluster;
mod conformance;
mod conformance_tree;
mod exits;
mod expand;
mod links;
mod mail;
mod monitors;
mod names;
mod receive;
mod spawn;
mod stage;
mod supervision;
mod supervision_fire;
mod supervision_names;
mod timed;
mod ui;
