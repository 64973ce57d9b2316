//! The service of each node, and its supervised worker.

use std::collections::HashMap;

use greenroom::prelude::*;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::log::say;

/// The messages to the process `service` of another node.
#[protocol]
pub(crate) enum Service {
    /// A request that is answered with its text.
    Echo { text: String, reply: Reply<String> },
    /// A request that is never answered.
    Hold { reply: Reply<String> },
    /// A request for the service's own stub.
    Stub { reply: Reply<ServiceRef> },
    /// A request for the stub of the supervised worker.
    Worker { reply: Reply<WorkerRef> },
    /// The next number from a node.
    Note { from: String, n: u64 },
    /// A request for the count of the numbers from a node, if they were in order.
    Notes { from: String, reply: Reply<u64> },
    /// A cast that cannot be decoded.
    Post { parcel: Parcel },
    /// A call that cannot be decoded.
    Weigh { parcel: Parcel, reply: Reply<u64> },
    /// The end of a linked process.
    #[from]
    Exit(ExitSignal),
}

/// A value whose decoding panics.
#[derive(Debug, Serialize)]
pub(crate) struct Parcel;

impl<'de> Deserialize<'de> for Parcel {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("the parcel is damaged");
    }
}

/// Answers the requests, and keeps the reply of each request that is never answered.
#[actor(protocol = Service, name = "service", trap_exit)]
pub(crate) struct Server {
    pub(crate) staff: StaffRef,
    pub(crate) unanswered: Vec<Reply<String>>,
    /// The next number that each node has to send.
    pub(crate) notes: HashMap<String, u64>,
}

impl Process for Server {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            match cx.receive().await {
                Service::Echo { text, reply } => reply.send(text),
                Service::Hold { reply } => self.unanswered.push(reply),
                Service::Stub { reply } => reply.send(cx.me()),
                Service::Worker { reply } => reply.send(self.staff.worker()),
                Service::Note { from, n } => {
                    let next = self.notes.entry(from).or_default();
                    // A number out of order stops the count.
                    *next += u64::from(n == *next);
                }
                Service::Notes { from, reply } => reply.send(self.notes.get(&from).copied().unwrap_or_default()),
                // Other exits are those of linked processes.
                Service::Exit(signal) if signal.from.node() == cx.node().name() => return Err(signal.reason),
                Service::Exit(_) => {}
                Service::Post { parcel } | Service::Weigh { parcel, .. } => panic!("{parcel:?} was decoded"),
            }
        }
    }
}

/// A supervised process that notes its stop.
#[actor(trap_exit)]
pub(crate) struct Worker {
    unanswered: Vec<Reply<String>>,
}

#[actor]
impl Worker {
    #[call]
    pub(crate) fn hold(&mut self, reply: Reply<String>) {
        self.unanswered.push(reply);
    }

    #[terminate]
    fn end(&mut self, reason: &Exit) {
        say("worker", format_args!("terminates: {reason}"));
    }
}

#[supervisor]
pub(crate) struct Staff {
    #[child(start = Worker { unanswered: Vec::new() })]
    worker: Worker,
}
