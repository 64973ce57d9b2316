//! Waits of one process for the exit or the start of another. Each is an edge of the graph in which cycles are found.

mod edge;
mod exit;
mod start;

pub(crate) use exit::{InVain, ended, ended_in_cell, ends_after_caller, watch_exit};
pub(crate) use start::{StartSender, start_wait};
