//! The predecessor of this process, as the successor sees it: the records that it has sent, and its commit.
//!
//! A thread of its own reads the connection, so that a commit or the predecessor's end takes effect at once. The process
//! exits if the upgrade ends before the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::watch;

use super::channel::SuccessorEnd;
use super::ending::shim::ShimLine;
use super::launch;
use super::processes::{Item, Reader};
use super::protocol::message::{Record, ToSuccessor};
use super::protocol::successor::{Action, Event, Successor};
use crate::base::NodeId;
use crate::log;
use crate::node::{PausedPeer, Restarts, SocketName};

/// The predecessor of this process. One for the process, as its standard input is.
static ORIGIN: OnceLock<Option<Arc<Origin>>> = OnceLock::new();

/// The predecessor and what it hands over.
pub(super) struct Origin {
    connection: SuccessorEnd,
    state: Mutex<State>,
    progress: watch::Sender<Progress>,
    has_started: watch::Sender<bool>,
}

struct State {
    machine: Successor,
    node: Option<AdoptedNode>,
    processes: Reader,
    items: Vec<Item>,
    sockets: BTreeMap<SocketName, OwnedFd>,
    shim: Option<Arc<ShimLine>>,
    /// The processes that start anew.
    anew: Restarts,
    /// The node and the sockets at which the program does not wait yet.
    unsettled: BTreeSet<SocketName>,
}

/// The node that was handed over.
#[derive(Clone, Debug)]
pub(super) struct AdoptedNode {
    pub(super) id: NodeId,
    pub(super) next_number: u64,
    pub(super) next_reference: u64,
    pub(super) peers: Vec<PausedPeer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Receiving,
    Received,
    Committed,
}

impl Origin {
    /// Returns the predecessor of this process, if it has one. The first call connects with it. Exits if that fails.
    pub(super) fn get() -> Option<&'static Arc<Origin>> {
        let connect = || match launch::predecessor() {
            Ok(connection) => connection.map(Origin::connect),
            Err(error) => exit(&format_args!("no connection with the predecessor: {error}")),
        };
        ORIGIN.get_or_init(connect).as_ref()
    }

    fn connect(connection: SuccessorEnd) -> Arc<Origin> {
        let (machine, hello) = Successor::new();
        let state = State {
            machine,
            node: None,
            processes: Reader::default(),
            items: Vec::new(),
            sockets: BTreeMap::new(),
            shim: None,
            anew: Restarts::default(),
            unsettled: BTreeSet::from([SocketName::Node]),
        };
        let origin = Arc::new(Origin {
            connection,
            state: Mutex::new(state),
            progress: watch::Sender::new(Progress::Receiving),
            has_started: watch::Sender::new(false),
        });
        origin.execute(&mut origin.lock(), vec![hello], None);
        let reader = Arc::clone(&origin);
        let thread = std::thread::Builder::new().name("greenroom-upgrade".to_owned()).spawn(move || reader.read());
        if let Err(error) = thread {
            exit(&format_args!("no thread for the connection with the predecessor: {error}"));
        }
        origin
    }

    /// Reads the connection until the commit.
    fn read(&self) {
        while *self.progress.borrow() != Progress::Committed {
            let (event, descriptor) = match self.connection.receive() {
                Ok((message, descriptor)) => (Event::Received(message), descriptor),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    (Event::Unreadable(error.to_string()), None)
                }
                Err(_) => (Event::Closed, None),
            };
            let event = match event {
                Event::Received(ToSuccessor::Record(record)) if record.has_descriptor() != descriptor.is_some() => {
                    Event::Unreadable("a record without its descriptor".to_owned())
                }
                event => event,
            };
            self.handle(event, descriptor);
        }
    }

    fn handle(&self, event: Event, descriptor: Option<OwnedFd>) {
        let mut state = self.lock();
        let actions = state.machine.handle(event);
        self.execute(&mut state, actions, descriptor);
    }

    fn execute(&self, state: &mut State, actions: Vec<Action>, descriptor: Option<OwnedFd>) {
        let mut descriptor = descriptor;
        for action in actions {
            match action {
                // If it fails, the connection is over, which the thread reads.
                Action::Send(message) => drop(self.connection.send(&message)),
                Action::Keep(record) => {
                    if let Err(reason) = state.keep(record, descriptor.take()) {
                        let actions = state.machine.handle(Event::Unreadable(reason));
                        return self.execute(state, actions, None);
                    }
                }
                Action::Start => drop(self.progress.send_replace(Progress::Received)),
                Action::Serve => {
                    if let Some(shim) = &state.shim {
                        shim.announce();
                    }
                    self.progress.send_replace(Progress::Committed);
                }
                Action::Exit(reason) => exit(&reason),
            }
        }
    }

    /// Returns the node that was handed over, once all records are there.
    pub(super) async fn node(&self) -> Option<AdoptedNode> {
        self.reached(Progress::Received).await;
        self.lock().node.clone()
    }

    /// Takes the processes that were handed over.
    pub(super) fn take_processes(&self) -> Vec<Item> {
        std::mem::take(&mut self.lock().items)
    }

    /// Ends the upgrade: this release cannot take over.
    pub(super) fn refuse(&self, reason: String) {
        self.handle(Event::Unreadable(reason), None);
    }

    /// Takes the socket with this name.
    pub(super) fn take_socket(&self, name: &SocketName) -> Option<OwnedFd> {
        self.lock().sockets.remove(name)
    }

    /// Returns the line to the shim in front of this program.
    pub(super) fn shim(&self) -> Option<Arc<ShimLine>> {
        self.lock().shim.clone()
    }

    /// Notes that the node has started.
    pub(super) fn node_started(&self) {
        self.has_started.send_replace(true);
    }

    /// Resolves when the node has started.
    pub(super) async fn started(&self) {
        // Never an error: the sender is here.
        let _ = self.has_started.subscribe().wait_for(|has_started| *has_started).await;
    }

    /// Notes the processes that start anew, for the report of the predecessor.
    pub(super) fn note_restarts(&self, anew: Restarts) {
        self.lock().anew = anew;
    }

    /// Notes that the program waits at the socket with this name, or has dropped it; or that the node has started. After the
    /// last one the successor is ready.
    pub(super) fn settle(&self, name: &SocketName) {
        let mut state = self.lock();
        if state.unsettled.remove(name) && state.unsettled.is_empty() {
            let anew = std::mem::take(&mut state.anew);
            let actions = state.machine.handle(Event::Started(anew));
            self.execute(&mut state, actions, None);
        }
    }

    /// Resolves at the commit.
    pub(super) async fn committed(&self) {
        self.reached(Progress::Committed).await;
    }

    async fn reached(&self, progress: Progress) {
        // Never an error: the sender is here.
        let _ = self.progress.subscribe().wait_for(|now| *now >= progress).await;
    }

    // A panic while the lock was held cannot have left a change half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, record: Record, descriptor: Option<OwnedFd>) -> Result<(), String> {
        match (record, descriptor) {
            (Record::Node { id, next_number, next_reference }, _) => {
                self.node = Some(AdoptedNode { id, next_number, next_reference, peers: Vec::new() });
            }
            (Record::Peer(part), _) => {
                if let Some(node) = &mut self.node {
                    PausedPeer::add_part(&mut node.peers, *part);
                }
            }
            (Record::Processes(part), _) => self.items.extend(self.processes.push(&part.0)?),
            (Record::NodeListener, Some(socket)) => drop(self.sockets.insert(SocketName::Node, socket)),
            (Record::Listener { name }, Some(socket)) => {
                let name = SocketName::Program(name);
                self.unsettled.insert(name.clone());
                self.sockets.insert(name, socket);
            }
            (Record::Shim, Some(line)) => self.shim = Some(Arc::new(line.into())),
            // The caller has checked that the descriptor is there.
            (Record::NodeListener | Record::Listener { .. } | Record::Shim, None) => {}
        }
        Ok(())
    }
}

/// Exits, since this process is a successor that cannot take over.
fn exit(reason: &dyn std::fmt::Display) -> ! {
    eprintln!("error: the upgrade was abandoned: {}", log::Escaped(reason));
    std::process::exit(1)
}
