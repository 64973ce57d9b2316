//! greenroom, tested through its public API.

mod allocations;
mod bounds;
mod calls;
mod cluster;
mod conformance;
mod ends;
mod exits;
mod expand;
mod interleavings;
mod invariants;
mod links;
mod mail;
mod monitors;
mod names;
mod nodes;
mod receive;
mod save_queue;
mod servers;
mod soak;
mod spawn;
mod stage;
mod supervisors;
mod threads;
mod timed;
mod ui;
