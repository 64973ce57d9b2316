//! Layer 11: the live upgrade of a node. A new process of the operating system, the *successor*, takes over from the
//! running one, the *predecessor*.
//!
//! Both sides are state machines without I/O: `protocol::predecessor` and `protocol::successor`. They exchange these messages
//! over a pair of Unix sockets, in this order:
//!
//! | phase | from the predecessor | from the successor | time limit |
//! |---|---|---|---|
//! | plan | the program's standard input | hello with a version | 30 s |
//! | | plan: everything that is handed over | accept | |
//! | pause | processes are held, and the connections to peers pause, within 5 s each | | 10 s |
//! | hand-over | records, complete | ready | 60 s |
//! | commit | commit | | |
//!
//! | state of the predecessor | next | on a failure or a deadline |
//! |---|---|---|
//! | launched | planned, by the hello | the successor is killed |
//! | planned | pausing, by the acceptance | the successor is killed |
//! | pausing | handing over, when the node is quiet | and the node resumes |
//! | handing over | committing, when the successor is ready | and the node resumes |
//! | committing | committed, when the commit is written | and the node resumes |
//! | committed | the process ends | the successor's failure is a crash of the node |
//!
//! | state of the successor | next | when the connection ends |
//! |---|---|---|
//! | greeting | receiving, by the plan | the successor exits |
//! | receiving | adopting, by the end of the records | the successor exits |
//! | adopting | ready, when the program has started | the successor exits |
//! | ready | serving, by the commit | the successor exits |
//! | serving | | nothing: the predecessor ends now |
//!
//! The records, and the code that writes and reads them:
//!
//! | records | code |
//! |---|---|
//! | the numbers of the node, sockets, the line to the shim | `executor`, `origin` |
//! | supervised processes whose state is portable, and their supervisors | `processes` |
//! | paused connections, their relations and waiting frames | [`cluster::pause`](crate::cluster) |
//!
//! Invariants:
//! - At most one side serves. The predecessor stops accepting connections before it writes the commit, and resumes only
//!   if that fails. The successor serves only once it has read the commit.
//! - The commit is one write of a few bytes to an empty socket, so it is written in full or not at all. The kernel keeps
//!   it when the predecessor ends. If the write fails, the successor never reads it, and the predecessor resumes.
//! - A side that is lost is the crash of the node: the predecessor before the commit, the successor after it. The
//!   successor cannot take over from a predecessor that has crashed, since it may not have everything.
//! - The predecessor has all deadlines. With two clocks, the successor could give up while the commit is written.

mod adoption;
mod channel;
mod ending;
mod error;
mod executor;
mod launch;
mod listener;
mod origin;
mod processes;
mod protocol;
mod report;
mod request;
mod upgrader;

pub(crate) use adoption::{begin_process, local_node, take_part};
pub use error::{UpgradeError, UpgradePhase};
pub use listener::{Listener, ListenerError, listener};
pub use report::UpgradeReport;
pub use request::Upgrade;
