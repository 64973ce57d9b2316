//! A process as data: all that the same process continues in the successor.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::base::{ByteString, Definition, EncodedState, Exit, MonitorRef, NodeId, Pid, Subject};
use crate::mailbox::Origin;
use crate::node::KeptCall;
use crate::signal::RelationsRecord;

/// A process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProcessRecord {
    pub(crate) number: u64,
    /// The path of a supervised child, or of a root of a tree.
    pub(crate) path: Option<String>,
    pub(crate) is_root: bool,
    /// The number that identifies a supervised child over its restarts, if it has one.
    pub(crate) child_number: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) groups: Vec<String>,
    /// Set if it is not as the type of the actor has it, which can be another one in the successor.
    pub(crate) traps_exits: Option<bool>,
    pub(crate) watches_nodes: Option<bool>,
    pub(crate) is_suspended: bool,
    /// The state of an actor, or the children of a supervisor.
    pub(crate) state: EncodedState,
    /// The calls that replies in the state answer.
    pub(crate) calls: Vec<Option<KeptCall>>,
    pub(crate) messages: Vec<MessageRecord>,
    pub(crate) relations: RelationsRecord,
    pub(crate) timers: Vec<TimerRecord>,
    pub(crate) hooks: HookTimes,
}

/// A process, and the definition of the protocol of its messages, if it has any.
pub(crate) struct RecordedProcess {
    pub(crate) process: ProcessRecord,
    pub(crate) definition: Option<Arc<Definition>>,
}

/// A request to a process whose state can be handed over, in the course of an upgrade of its node.
pub(crate) enum HoldRequest {
    /// The process takes no message any more until it is released, and sends its number.
    Hold {
        held: mpsc::UnboundedSender<u64>,
        /// Before its next message, and not after those that were sent before.
        at_once: bool,
    },
    /// The held process writes itself down. It stays as it is.
    Record(mpsc::UnboundedSender<(u64, Result<RecordedProcess, String>)>),
    /// The process goes on.
    Release,
}

/// The part of a process that its own code has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OwnPart {
    pub(crate) state: EncodedState,
    pub(crate) calls: Vec<Option<KeptCall>>,
    pub(crate) messages: Vec<MessageRecord>,
    pub(crate) timers: Vec<TimerRecord>,
    pub(crate) hooks: HookTimes,
    pub(crate) is_suspended: bool,
    /// The path of the root of a tree.
    pub(crate) path: Option<String>,
}

/// A message in a mailbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MessageRecord {
    pub(crate) origin: Origin,
    pub(crate) content: MessageContent,
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum MessageContent {
    /// A variant of the protocol whose definition has this fingerprint, the bytes of its fields, and the calls that replies
    /// among these answer.
    Sent {
        protocol: u64,
        variant: u32,
        fields: ByteString,
        calls: Vec<Option<KeptCall>>,
    },
    Down {
        monitor: MonitorRef,
        target: Subject,
        reason: Exit,
    },
    Exit {
        from: Pid,
        reason: Exit,
    },
    NodeUp(NodeId),
    NodeDown(NodeId),
}

/// A timer that sends a message to its own process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TimerRecord {
    pub(crate) id: u64,
    /// The time until it fires; `None` if that is beyond the range of the clock.
    pub(crate) left: Option<Duration>,
    pub(crate) message: MessageContent,
}

/// The times until the timed hooks of a server run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct HookTimes {
    /// For each `#[every]`.
    pub(crate) every: Vec<Duration>,
    pub(crate) idle: Option<Duration>,
}

/// The definition of a protocol whose messages are handed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DefinitionRecord {
    name: String,
    version: u32,
    fingerprint: u64,
    shape: ByteString,
}

impl DefinitionRecord {
    pub(crate) fn of(definition: &Definition) -> DefinitionRecord {
        DefinitionRecord {
            name: definition.name.to_string(),
            version: definition.version,
            fingerprint: definition.fingerprint,
            shape: ByteString(definition.shape.to_vec()),
        }
    }

    pub(super) fn into_definition(self) -> Definition {
        let DefinitionRecord { name, version, fingerprint, shape } = self;
        Definition { name: name.into(), version, fingerprint, shape: shape.0.into() }
    }
}
