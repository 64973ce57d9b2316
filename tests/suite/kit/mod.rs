//! The test kit itself: probes, clusters whose seed decides, reports of what fails.

mod checks;
mod faults;
mod probes;
