//! The test kit: probes, clusters that a seed schedules, reports of failures.

mod checks;
mod crashed_nodes;
mod faults;
mod hangs;
mod probes;
mod unseen_crashes;
