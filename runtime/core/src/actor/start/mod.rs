//! The start of processes: the values from which they start, the functions that start them, and the future that each of
//! them is.

mod constructor;
mod launch;
mod new_process;
mod spawn;

pub use constructor::{Constructed, Constructor, Init};
pub use launch::Construct;
#[cfg(feature = "net")]
pub(crate) use launch::Launch;
pub(crate) use new_process::{NewProcess, launch, start_info};
pub use spawn::{Spawn, spawn};
