//! The deadlock check: finds cycles of calls in which each process waits for the next, so that none is ever answered.
//!
//! A call that has waited for a while notes in its process's cell which call it is, and follows such notes from callee to
//! callee. Notes that lead back to the caller are a suspicion: the processes form a [`DeadlockCheck`], and each of them has
//! to confirm that it waits for nothing but its call.
//!
//! To confirm, the process is polled once more, with a waker whose clones can be counted ([`WakerProbe`]). A correct
//! future leaves a clone of its last poll's waker with everything that can wake it. If there is one clone, and the call
//! holds it, then only the answer can continue the process. The callee in turn must hold that answer where it cannot come
//! from elsewhere ([`AwaitedCall::only_callee_can_answer`]): in a message that it has not taken, or in the generated code
//! of a method that answers by its return value.
//!
//! Why the result is certain: let T be the time of the last confirmation. Each process that confirmed waits until its
//! call is answered. After T all calls are found unanswered, so all were unanswered at T, and at T every process that
//! could have answered one was waiting. The calls can be inspected one after another, since an answer is never undone and
//! a reply that the callee has passed on does not come back. An event from outside can break the cycle at any time: a
//! process is killed, or a call times out. The first outcome counts, since a call has only one.
//!
//! A cycle that is not certain costs nothing but time: its calls time out like any others. The check relies on the
//! contract of `Future::poll`, that the waker of the *last* poll is woken. A future that relies on an older waker, and is
//! not polled by the confirmation, is broken in any executor.

use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::Instant;

use crate::base::Pid;
use crate::observe::AwaitedAnswer;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A call as the deadlock check needs it.
pub(crate) trait AwaitedCall: Send + Sync {
    /// Returns true if there is no answer yet, and only the callee can give one.
    fn only_callee_can_answer(&self) -> bool;

    /// Returns true if the answer will wake `waker` and no other.
    fn wakes(&self, waker: &Waker) -> bool;

    /// Describes the callee and the message. `None` for a wait that is not a call.
    fn describe(&self) -> Option<AwaitedAnswer> {
        None
    }

    /// Returns true if [`break_cycle`](Self::break_cycle) has an effect.
    fn can_break_cycle(&self) -> bool {
        true
    }

    /// Ends the call with the error that it is part of a cycle. The processes start with the caller.
    fn break_cycle(&self, pids: Vec<Pid>);
}

/// The call for whose answer a process has waited for a while.
#[derive(Clone)]
pub(crate) struct WaitingCall {
    pub(crate) call: Weak<dyn AwaitedCall>,
    /// The number of the process that was called; zero if it is on another node.
    pub(crate) callee: u64,
    pub(crate) since: Instant,
}

/// A suspected cycle of calls.
pub(crate) struct DeadlockCheck {
    members: Vec<Member>,
    /// The number of members that have not confirmed yet.
    unconfirmed: AtomicUsize,
}

struct Member {
    pid: Pid,
    call: Arc<dyn AwaitedCall>,
    since: Instant,
}

/// The length of the longest cycle that is found.
const MAX_LENGTH: usize = 1024;

impl DeadlockCheck {
    /// Returns the cycle of calls that `caller` is part of. `waiting` returns the call of the process with a number, and
    /// `pid` its pid.
    pub(crate) fn find(
        caller: u64,
        waiting: impl Fn(u64) -> Option<WaitingCall>,
        pid: impl Fn(u64) -> Pid,
    ) -> Option<DeadlockCheck> {
        let mut members = Vec::new();
        // Brent's algorithm: the calls may lead into a cycle without the caller. A member of that one finds it.
        let (mut number, mut landmark, mut stride) = (caller, caller, 1);
        loop {
            let WaitingCall { call, callee: next, since } = waiting(number)?;
            let call = call.upgrade().filter(|call| call.only_callee_can_answer())?;
            members.push(Member { pid: pid(number), call, since });
            if next == caller {
                let unconfirmed = AtomicUsize::new(members.len());
                return Some(DeadlockCheck { members, unconfirmed });
            }
            if next == landmark || members.len() == MAX_LENGTH {
                return None;
            }
            if members.len() == stride {
                (landmark, stride) = (next, stride * 2);
            }
            number = next;
        }
    }

    /// Returns the numbers of the processes that have to confirm.
    pub(crate) fn members(&self) -> impl Iterator<Item = u64> {
        self.members.iter().map(|member| member.pid.number())
    }

    /// Confirms for the process with this number that it waits for nothing but its call, if a poll with `probe` shows
    /// that. The last confirmation breaks the cycle.
    pub(crate) fn confirm(&self, number: u64, probe: &WakerProbe) {
        let is_certain = |member: &Member| member.pid.number() == number && probe.is_held_only_by(&*member.call);
        if self.members.iter().any(is_certain) && self.unconfirmed.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.conclude();
        }
    }

    fn conclude(&self) {
        if !self.members.iter().all(|member| member.call.only_callee_can_answer()) {
            return;
        }
        // The youngest call is broken: it closed the cycle, and the least time is lost with it. Of two that began at the
        // same time, it is that of the younger process.
        let youngest = |index: &usize| (self.members[*index].since, self.members[*index].pid.number());
        let breakable = (0..self.members.len()).filter(|index| self.members[*index].call.can_break_cycle());
        let Some(victim) = breakable.max_by_key(youngest) else { return };
        let mut pids: Vec<Pid> = self.members.iter().map(|member| member.pid.clone()).collect();
        pids.rotate_left(victim);
        self.members[victim].call.break_cycle(pids);
    }
}

/// The waker of one poll, whose clones show what the process waits for.
pub(crate) struct WakerProbe {
    task: Arc<ForwardingWaker>,
    waker: Waker,
}

/// Forwards to the waker of the process's task.
struct ForwardingWaker {
    task: Waker,
    woken: AtomicBool,
}

impl Wake for ForwardingWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

impl WakerProbe {
    pub(crate) fn new(task: &Waker) -> WakerProbe {
        let task = Arc::new(ForwardingWaker { task: task.clone(), woken: AtomicBool::new(false) });
        WakerProbe { waker: Waker::from(Arc::clone(&task)), task }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Returns true if only `call` can wake the process.
    fn is_held_only_by(&self, call: &dyn AwaitedCall) -> bool {
        // Two references are in this struct. A call that drops its own meanwhile has been answered; `conclude` finds that.
        call.wakes(&self.waker) && !self.task.woken.load(Ordering::Acquire) && Arc::strong_count(&self.task) == 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{CallErrorKind, NodeId};
    use crate::sync::{Mutex, PoisonError};

    /// A stand-in for the slot of a call: it holds the waker of the last poll until it has an outcome.
    #[derive(Default)]
    struct Slot {
        waker: Mutex<Option<Waker>>,
        outcome: Mutex<Option<Result<(), CallErrorKind>>>,
        /// The callee has passed the reply on.
        is_reply_moved: AtomicBool,
    }

    impl Slot {
        fn put(&self, outcome: Result<(), CallErrorKind>) {
            self.outcome.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(outcome);
            self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        }

        fn outcome(&self) -> Option<Result<(), CallErrorKind>> {
            self.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    impl AwaitedCall for Slot {
        fn only_callee_can_answer(&self) -> bool {
            self.outcome().is_none() && !self.is_reply_moved.load(Ordering::Relaxed)
        }

        fn wakes(&self, waker: &Waker) -> bool {
            let held = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            held.as_ref().is_some_and(|held| held.will_wake(waker))
        }

        fn break_cycle(&self, pids: Vec<Pid>) {
            self.put(Err(CallErrorKind::Cycle { pids }));
        }
    }

    /// Two processes that call each other confirm one after the other, and `between` runs between the confirmations. The
    /// second call is younger, so it would be broken. Compares the outcomes of both calls.
    #[track_caller]
    fn check(between: impl FnOnce(&Slot), expected: [Option<Result<(), ()>>; 2]) {
        let node = Arc::new(NodeId::local(1));
        let slots = [Arc::<Slot>::default(), Arc::default()];
        let now = Instant::now();
        let members = slots.iter().zip(1..).map(|(slot, number)| Member {
            pid: Pid::new(Arc::clone(&node), number),
            call: Arc::clone(slot) as Arc<dyn AwaitedCall>,
            since: now + std::time::Duration::from_millis(number),
        });
        let deadlock = DeadlockCheck { members: members.collect(), unconfirmed: AtomicUsize::new(2) };
        let confirm = |number: u64, slot: &Slot| {
            let probe = WakerProbe::new(Waker::noop());
            *slot.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(probe.waker().clone());
            deadlock.confirm(number, &probe);
        };
        confirm(1, &slots[0]);
        between(&slots[0]);
        confirm(2, &slots[1]);
        assert_eq!(slots.map(|slot| slot.outcome().map(|outcome| outcome.map_err(drop))), expected);
    }

    #[test]
    fn the_youngest_call_of_a_cycle_is_broken() {
        check(|_| {}, [None, Some(Err(()))]);
    }

    /// The first process has confirmed and is not polled again. Then its request is dropped by a full mailbox, or
    /// answered by another process. Only the last inspection of all calls finds that.
    #[test]
    fn an_answer_after_the_confirmation_is_found_by_the_last_inspection() {
        check(|slot| slot.put(Ok(())), [Some(Ok(())), None]);
        check(|slot| slot.put(Err(CallErrorKind::Full)), [Some(Err(())), None]);
        check(|slot| slot.is_reply_moved.store(true, Ordering::Relaxed), [None, None]);
    }
}
