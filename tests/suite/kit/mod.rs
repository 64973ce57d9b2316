//! The test kit: probes, clusters that a seed schedules, reports of failures.

mod checks;
mod faults;
mod probes;
