//! The error of a call: the reason, and the call that failed.

mod right;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use right::Right;

use super::{CastError, DecodeError, EncodeError, Exit, Pid};

/// The error of a call that has no answer: the reason, and the names of the call.
///
/// Its text names the message and the callee: `` `Store::get` on <n1@host 12>: no answer within 5 s ``. To react to one
/// reason, match on the field [`kind`](Self::kind):
///
/// ```
/// # use greenroom_core as greenroom;
/// use greenroom::{CallError, CallErrorKind};
///
/// fn is_worth_another_try(error: &CallError) -> bool {
///     matches!(error.kind, CallErrorKind::Timeout | CallErrorKind::Full | CallErrorKind::NoConnection)
/// }
///
/// assert!(is_worth_another_try(&CallErrorKind::Full.into()));
/// ```
///
/// `?` in a process converts it into an [`Exit`]: [`Exit`](CallErrorKind::Exit) becomes the exit reason in it, so a crash of
/// the callee keeps its reason in the caller. The others become an [`Exit::Error`] with the text.
///
/// Two errors are equal if their kinds are. The names do not count, so a test can compare with a kind:
/// `assert_eq!(stub.get().await, Err(CallErrorKind::Full.into()))`.
///
/// The model is the exit reason of a failed
/// [`gen_server:call`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3): a pair of the reason and the call.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CallError {
    /// The reason.
    pub kind: CallErrorKind,
    /// In a box, so that the result of a call is small. `None` for an error that a program made of a kind.
    call: Option<Box<FailedCall>>,
}

/// The names of a call that failed.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct FailedCall {
    /// The protocol and the method, such as `Store::get`.
    pub(crate) message: Cow<'static, str>,
    /// The pid or the name of the callee. `None` if it was not found.
    pub(crate) callee: Option<Box<str>>,
    /// The time limit that has passed, of a call that failed for that.
    pub(crate) limit: Option<Duration>,
    /// The call for which the callee waited at that time, the call for which the callee of that one waited, and so on.
    pub(crate) waits: Vec<CallWait>,
}

/// A process that waits for the answer to a call: a part of the [chain](CallError::waits) behind another call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CallWait {
    /// The process that waits.
    pub process: Pid,
    /// The message that it has sent, such as `Store::get`.
    pub message: String,
    /// The pid or the name of the process that has to answer.
    pub callee: String,
}

/// The reason why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The callee did not answer in time. A late answer is discarded.
    Timeout,
    /// The process that held the reply exited before it answered, for this reason.
    Exit(Exit),
    /// The callee does not exist, or no longer.
    NoProc,
    /// There is no connection to the callee's node, or it was lost before the answer.
    NoConnection,
    /// The callee's mailbox is full, and its overflow policy has refused or dropped the call.
    Full,
    /// A process dropped the [`Reply`](crate::Reply) without an answer and continued to run.
    Dropped,
    /// A process called itself. It would wait for its own answer.
    Itself,
    /// The callee has another protocol, or another version of the protocol. The text names both.
    Incompatible(Arc<str>),
    /// The call or its answer could not be encoded for another node.
    Encode(EncodeError),
    /// The call or its answer could not be decoded.
    Decode(DecodeError),
    /// Processes of one node call each other in a cycle, so none of them can answer.
    ///
    /// The cycle is certain: each of these processes waits for nothing but its call. Only the newest of the calls
    /// fails. The others get their answers then.
    Cycle {
        /// The cycle: the caller, its callee, the callee of that process, and so on.
        pids: Vec<Pid>,
    },
    /// The other node does not export the actor or the function with this name.
    NotExported(Arc<str>),
    /// The other node exports the actor, and does not have the constructor with this name.
    UnknownConstructor(Arc<str>),
    /// The policy of the other node does not allow it for this node.
    NotAllowed(Right),
    /// An error that this version of greenroom does not know, from a node with a later version. The text describes it.
    Other(Arc<str>),
}

impl CallError {
    pub(crate) fn new(kind: CallErrorKind, call: FailedCall) -> CallError {
        CallError { kind, call: Some(Box::new(call)) }
    }

    /// Returns the protocol and the method of the call, such as `Store::get`. `None` for an error that was made of a kind.
    pub fn message(&self) -> Option<&str> {
        self.call.as_ref().map(|call| &*call.message)
    }

    /// Returns the chain of calls behind a call that reached its time limit: the call for which the callee waited, the call
    /// for which the callee of that one waited, and so on, over all nodes. It ends at a process that waits for no call,
    /// and has at most 16 entries. If the last entry names the process that made this call, all of them waited for each
    /// other.
    ///
    /// Empty if the callee waited for no call, if that is not known, and for other errors. A process waits in this sense
    /// once it has waited for 0.1 s to 0.2 s. The part on other nodes is as old as the last look at them: half of the time
    /// that the call has waited, at most.
    pub fn waits(&self) -> &[CallWait] {
        self.call.as_ref().map_or(&[], |call| &call.waits)
    }

    /// Returns the pid or the name of the process that was called, such as `<n1@host 12>` or `<n1@host "store">`.
    /// `None` for a supervised child that was not running, and for an error that was made of a kind.
    pub fn callee(&self) -> Option<&str> {
        self.call.as_ref()?.callee.as_deref()
    }
}

impl From<CallErrorKind> for CallError {
    fn from(kind: CallErrorKind) -> CallError {
        CallError { kind, call: None }
    }
}

impl PartialEq for CallError {
    fn eq(&self, other: &CallError) -> bool {
        self.kind == other.kind
    }
}

impl Eq for CallError {}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(call) = &self.call else { return self.kind.fmt(f) };
        write!(f, "`{}`", call.message)?;
        if let Some(callee) = &call.callee {
            write!(f, " on {callee}")?;
        }
        match call.limit {
            Some(limit) => write!(f, ": no answer within {}", Limit(limit))?,
            None => write!(f, ": {}", self.kind)?,
        }
        for (index, CallWait { process, message, callee }) in call.waits.iter().enumerate() {
            let mark = if index == 0 { ';' } else { ',' };
            write!(f, "{mark} {process} waits for `{message}` on {callee}")?;
        }
        Ok(())
    }
}

/// A time limit with a blank in front of its unit.
struct Limit(Duration);

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:?}", self.0);
        let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len()));
        write!(f, "{number} {unit}")
    }
}

impl fmt::Display for CallErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallErrorKind::Timeout => f.write_str("the callee did not answer in time"),
            CallErrorKind::Exit(reason) => write!(f, "the callee exited: {reason}"),
            CallErrorKind::NoProc => f.write_str("the callee does not exist"),
            CallErrorKind::NoConnection => f.write_str("no connection to the callee's node"),
            CallErrorKind::Full => f.write_str("the callee's mailbox is full"),
            CallErrorKind::Dropped => f.write_str("the callee dropped the reply without an answer"),
            CallErrorKind::Itself => f.write_str("a process called itself and would wait for its own answer"),
            CallErrorKind::Incompatible(details) => write!(f, "the callee's protocol is incompatible: {details}"),
            CallErrorKind::Encode(_) => f.write_str("cannot encode the call or its answer"),
            CallErrorKind::Decode(_) => f.write_str("cannot decode the call or its answer"),
            CallErrorKind::Cycle { pids } => {
                f.write_str("calls wait for each other in a cycle: ")?;
                pids.iter().try_for_each(|pid| write!(f, "{pid} waits for "))?;
                pids.first().map_or(Ok(()), |pid| write!(f, "{pid}"))
            }
            CallErrorKind::NotExported(name) => write!(f, "the other node does not export `{name}`"),
            CallErrorKind::UnknownConstructor(name) => write!(f, "the other node does not have `{name}`"),
            CallErrorKind::NotAllowed(right) => write!(f, "the other node does not give this one the right `{right}`"),
            CallErrorKind::Other(text) => f.write_str(text),
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.kind.source()
    }
}

impl Error for CallErrorKind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            CallErrorKind::Encode(error) => Some(error),
            CallErrorKind::Decode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for CallErrorKind {
    fn from(error: DecodeError) -> CallErrorKind {
        CallErrorKind::Decode(error)
    }
}

impl From<CastError> for CallErrorKind {
    fn from(error: CastError) -> CallErrorKind {
        match error {
            CastError::NoProc => CallErrorKind::NoProc,
            CastError::NoConnection => CallErrorKind::NoConnection,
            CastError::Full => CallErrorKind::Full,
            CastError::Incompatible(details) => CallErrorKind::Incompatible(details),
            CastError::Encode(error) => CallErrorKind::Encode(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_message_the_callee_and_the_limit() {
        let check = |kind: CallErrorKind, callee: Option<&str>, limit, expected: &str| {
            let call =
                FailedCall { message: "Store::get".into(), callee: callee.map(Box::from), limit, waits: Vec::new() };
            let error = CallError::new(kind.clone(), call);
            assert_eq!(error.to_string(), expected);
            assert_eq!((error.message(), error.callee()), (Some("Store::get"), callee));
            assert_eq!(error, kind.into(), "the names do not count");
        };
        let limit = |millis| Some(Duration::from_millis(millis));
        let full = "`Store::get` on <n1@host \"store\">: the callee's mailbox is full";
        check(CallErrorKind::Full, Some("<n1@host \"store\">"), None, full);
        let late = "`Store::get` on <n1@host 12>: no answer within 5 s";
        check(CallErrorKind::Timeout, Some("<n1@host 12>"), limit(5000), late);
        check(CallErrorKind::Timeout, None, limit(1500), "`Store::get`: no answer within 1.5 s");
        check(CallErrorKind::Timeout, None, limit(20), "`Store::get`: no answer within 20 ms");
        assert_eq!(CallError::from(CallErrorKind::Full).to_string(), CallErrorKind::Full.to_string());
    }
}
