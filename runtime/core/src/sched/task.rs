//! The units of execution that a spawner runs.

use std::future::Future;
use std::pin::Pin;

/// A process as a spawner runs it.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Code that blocks its thread, as a spawner runs it.
pub type Work = Box<dyn FnOnce() + Send>;
