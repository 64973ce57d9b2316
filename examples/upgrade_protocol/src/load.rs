//! The load: a process that places numbered orders at the desks of all nodes, one after the other.

use std::fmt;
use std::io;
use std::sync::Arc;

use greenroom::CallErrorKind;
use greenroom::prelude::*;

use crate::report::{Counts, Line};

/// The time limit of each call.
pub const TIME_LIMIT: Duration = Duration::from_secs(1);
/// The pause before an order is sent again.
const PAUSE: Duration = Duration::from_millis(10);
/// An order that was sent so many times without an answer is lost.
const MAX_ATTEMPTS: u64 = 200;

/// The function that prints a line. Its error ends the load.
pub type Print = Arc<dyn Fn(Line) -> io::Result<()> + Send + Sync>;

/// The client's part of a release. Implemented by the stub of a desk.
pub trait Client: Stub {
    /// Places an order, and compares the answer with the expected one. Returns `true` if the desk has quoted the price.
    fn order(&self, number: u64) -> impl Future<Output = Result<bool, Failure>> + Send;
}

/// The reason why an order has no valid answer.
#[derive(Debug)]
pub enum Failure {
    /// A call has failed.
    Call(CallError),
    /// The answer has wrong values.
    Answer(String),
}

impl Failure {
    /// Compares an answer with the expected one.
    ///
    /// # Errors
    /// They are not equal.
    pub fn unless_equal<T: PartialEq + fmt::Debug>(answer: &T, expected: &T) -> Result<(), Failure> {
        if answer == expected {
            return Ok(());
        }
        Err(Failure::Answer(format!("the answer is {answer:?}, expected {expected:?}")))
    }

    /// Returns `true` if the desk or its node has stopped, or did not answer in time. Another desk may take the order.
    fn is_of_a_stopped_desk(&self) -> bool {
        let Failure::Call(error) = self else { return false };
        use CallErrorKind::{Exit, NoConnection, NoProc, Timeout};
        matches!(error.kind, NoConnection | NoProc | Exit(_) | Timeout)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Failure {
        Failure::Call(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Call(error) => error.fmt(f),
            Failure::Answer(difference) => f.write_str(difference),
        }
    }
}

/// Places orders, one at a time. It traps exits, so it stops between two orders.
#[actor(trap_exit)]
pub struct Load<Desk> {
    nodes: Vec<String>,
    desks: Vec<Desk>,
    counts: Counts,
    print: Print,
}

#[actor]
impl<Desk: Client> Load<Desk> {
    /// Creates a load for the desks of these nodes.
    #[init]
    pub fn new(nodes: Vec<String>, print: Print) -> Load<Desk> {
        let desks = nodes.iter().map(|node| Desk::at("desk", node)).collect();
        Load { nodes, desks, counts: Counts::default(), print }
    }

    /// Waits until the node is connected with all others.
    #[continue_with]
    async fn connect(&mut self, cx: &mut Context<Self>) -> io::Result<()> {
        while cx.node().peers().len() + 1 < self.nodes.len() {
            tokio::time::sleep(PAUSE).await;
        }
        (self.print)(Line::Ready)
    }

    /// Places an order. If a desk has stopped, the desk of the next node gets the order.
    #[every("1ms")]
    async fn place_order(&mut self) -> io::Result<()> {
        self.counts.sent += 1;
        let number = self.counts.sent;
        for attempt in 1.. {
            let desk = &self.desks[(number + attempt) as usize % self.desks.len()];
            match desk.order(number).await {
                Ok(is_quoted) => {
                    self.counts.answered += 1;
                    self.counts.quoted += u64::from(is_quoted);
                    break;
                }
                Err(failure) if failure.is_of_a_stopped_desk() && attempt < MAX_ATTEMPTS => {
                    self.counts.repeated += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(failure) => {
                    self.counts.lost += 1;
                    return (self.print)(Line::Lost(failure.to_string()));
                }
            }
        }
        Ok(())
    }

    #[every("100ms")]
    fn print_counts(&self) -> io::Result<()> {
        (self.print)(Line::Counts(self.counts))
    }

    #[terminate]
    fn print_last_counts(&self) {
        // Without its last line, the reader counts the last order as lost.
        let _ = (self.print)(Line::Stopped(self.counts));
    }
}
