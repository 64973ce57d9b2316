//! The chain of calls behind a call without an answer: what its callee waits for, what that process waits for, and so on.
//! The error of a call that reached its time limit names it.

use crate::base::{CallWait, NodeName, Pid};

/// The chain of calls that begins with the call of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "net", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct CallChain {
    /// The waits, each for the process of the next one.
    pub(crate) waits: Vec<CallWait>,
    /// The process of another node for which the last one waits.
    pub(crate) next: Option<RemoteCallee>,
}

/// The callee of a call to another node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "net", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum RemoteCallee {
    Pid(Pid),
    Name(String, NodeName),
}

/// The callee and the message of a call, as its caller's node describes them.
pub(crate) struct AwaitedAnswer {
    /// The method, such as `Store::get`.
    pub(crate) message: &'static str,
    /// The pid or the name of the callee.
    pub(crate) callee: String,
    /// The callee, if it is on another node.
    pub(crate) remote: Option<RemoteCallee>,
}

/// The longest chain that an error names. Longer texts of another node are shortened.
const MAX_WAITS: usize = 16;
const MAX_TEXT: usize = 256;

impl CallChain {
    /// Returns the chain that begins with the call of the process with this number, up to the first call to another node.
    /// `awaited` returns what the process with a number waits for, and the number of its callee.
    pub(crate) fn of(
        mut number: u64,
        awaited: impl Fn(u64) -> Option<(AwaitedAnswer, u64)>,
        pid: impl Fn(u64) -> Pid,
    ) -> CallChain {
        let mut chain = CallChain::default();
        while let Some((AwaitedAnswer { message, callee, remote }, next)) = awaited(number) {
            let wait = CallWait { process: pid(number), message: message.to_owned(), callee };
            if !chain.push(wait, None) {
                break;
            }
            if remote.is_some() {
                chain.next = remote;
                break;
            }
            number = next;
        }
        chain
    }

    /// Appends the chain of the process for which the last one waits. It comes from another node, which is not trusted:
    /// a chain without a wait has no next process, so that the questions for it come to an end.
    ///
    /// The chain ends at a process that is in it already, and at `caller`.
    #[cfg(feature = "net")]
    pub(crate) fn extend(&mut self, further: CallChain, caller: Option<&Pid>) {
        self.next = None;
        if further.waits.is_empty() {
            return;
        }
        for mut wait in further.waits {
            for text in [&mut wait.message, &mut wait.callee] {
                text.truncate(text.floor_char_boundary(MAX_TEXT));
                text.retain(|c| !c.is_control());
            }
            if !self.push(wait, caller) {
                return;
            }
        }
        let is_caller = |next: &RemoteCallee| matches!(next, RemoteCallee::Pid(pid) if Some(pid) == caller);
        self.next = further.next.filter(|next| !is_caller(next));
    }

    /// Returns `false` if the chain ends before this wait.
    fn push(&mut self, wait: CallWait, caller: Option<&Pid>) -> bool {
        let is_known = |process| Some(process) == caller || self.waits.iter().any(|wait| wait.process == *process);
        let has_room = self.waits.len() < MAX_WAITS && !is_known(&wait.process);
        if has_room {
            self.waits.push(wait);
        }
        has_room
    }

    /// Ends the chain in front of `caller`, the process whose call is behind it.
    pub(crate) fn end_at(&mut self, caller: &Pid) {
        if let Some(end) = self.waits.iter().position(|wait| wait.process == *caller) {
            self.waits.truncate(end);
            self.next = None;
        }
    }
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::NodeId;

    fn pid(number: u64) -> Pid {
        Pid::new(Arc::new(NodeId::local(1)), number)
    }

    fn wait(process: u64, callee: u64) -> CallWait {
        CallWait { process: pid(process), message: "Store::get".into(), callee: pid(callee).to_string() }
    }

    fn processes(chain: &CallChain) -> Vec<u64> {
        chain.waits.iter().map(|wait| wait.process.number()).collect()
    }

    #[test]
    fn a_chain_of_several_nodes_ends_at_the_caller_and_in_front_of_a_process_that_it_has() {
        let further =
            |from: u64, next| CallChain { waits: vec![wait(from, next)], next: Some(RemoteCallee::Pid(pid(next))) };
        let mut chain = CallChain::default();
        chain.extend(further(2, 3), Some(&pid(1)));
        assert_eq!((processes(&chain), &chain.next), (vec![2], &Some(RemoteCallee::Pid(pid(3)))));
        chain.extend(further(3, 1), Some(&pid(1)));
        assert_eq!((processes(&chain), &chain.next), (vec![2, 3], &None), "the next one is the caller");
        chain.extend(further(2, 3), Some(&pid(1)));
        assert_eq!((processes(&chain), &chain.next), (vec![2, 3], &None), "2 is in the chain");
        chain.extend(further(1, 2), Some(&pid(1)));
        assert_eq!(processes(&chain), [2, 3], "1 is the caller");
    }

    #[test]
    fn what_another_node_sends_is_bounded() {
        let long = CallWait { message: "é".repeat(1000), callee: "a\nb".into(), ..wait(1, 2) };
        let mut chain = CallChain::default();
        chain.extend(CallChain { waits: vec![long], next: None }, None);
        chain.extend(CallChain { waits: (2..100).map(|n| wait(n, n + 1)).collect(), next: None }, None);
        assert_eq!(processes(&chain), (1..=16).collect::<Vec<u64>>());
        assert_eq!(chain.waits[0].message, "é".repeat(128));
        assert_eq!(chain.waits[0].callee, "ab", "a line in a log stays one");
        let mut chain = CallChain::default();
        chain.extend(CallChain { waits: Vec::new(), next: Some(RemoteCallee::Pid(pid(2))) }, None);
        assert_eq!(chain.next, None, "or the questions would have no end");
    }
}
