//! Calls in a ring: processes of this node of which each waits for the next, so that none will ever be answered.
//!
//! A call that has waited for a while looks: it notes in its process's cell what it waits for, and follows the notes
//! from callee to callee. If they lead back to it, there is a suspicion, and an [`DeadlockCheck`] that every process of the
//! ring has to vote on. To vote, a process is polled once more with a waker of its own ([`WakerProbe`]), whose clones can
//! be counted: a correct future leaves a clone of the waker of its last poll with everything that could wake it, so if
//! there is one clone, and it lies with the call, then nothing but the answer can make the process go on. The answer in
//! turn must be in certain hands ([`AwaitedCall::only_callee_can_answer`]): in a message that the callee has not taken, or with the
//! generated code of a method that answers by what it returns.
//!
//! Why it is certain in the end: let T be the moment of the last vote. Whoever voted waits for its call until that
//! is answered; after T all calls are found unanswered, so all were at T, and at T everybody waited who could have
//! answered one. Answers never become undone, and a reply never comes back into certain hands, so it does not matter that
//! the calls are looked at one after the other. From outside the ring may still be broken at any time (a process is
//! killed, a call runs out of time): what comes first counts, since a call has one outcome.
//!
//! What is uncertain costs nothing but time: the calls time out as any other. It relies on what
//! `Future::poll` demands, that the waker of the *last* poll is woken. A future that counts on an older waker and is not
//! polled in the round of the vote is broken in any executor.

use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::Instant;

use crate::base::Pid;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A call that a process waits for, as those see it who look for rings.
pub(crate) trait AwaitedCall: Send + Sync {
    /// Whether it has no answer yet, and nobody but the callee can give one.
    fn only_callee_can_answer(&self) -> bool;

    /// Whether the answer will wake `waker`, and nobody else.
    fn wakes(&self, waker: &Waker) -> bool;

    /// Ends the call, as one of a cycle of these processes, whose first is the caller.
    fn break_cycle(&self, pids: Vec<Pid>);
}

/// What a process waits for, noted by a call that has waited for a while.
#[derive(Clone)]
pub(crate) struct WaitingCall {
    pub(crate) call: Weak<dyn AwaitedCall>,
    /// Whom it called.
    pub(crate) callee: u64,
    pub(crate) since: Instant,
}

/// Whether the calls of a ring can be answered.
pub(crate) struct DeadlockCheck {
    members: Vec<Member>,
    /// How many have still to vote that they wait for nothing but their call.
    missing: AtomicUsize,
}

struct Member {
    pid: Pid,
    call: Arc<dyn AwaitedCall>,
    since: Instant,
}

/// The longest ring that is looked for.
const LONGEST: usize = 1024;

impl DeadlockCheck {
    /// Looks whether `caller` waits in a ring. `waiting` says what the process with a number waits for, and `pid` which
    /// process that is.
    pub(crate) fn find(
        caller: u64,
        waiting: impl Fn(u64) -> Option<WaitingCall>,
        pid: impl Fn(u64) -> Pid,
    ) -> Option<DeadlockCheck> {
        let mut members = Vec::new();
        let (mut number, mut landmark, mut stride) = (caller, caller, 1);
        loop {
            let WaitingCall { call, callee: next, since } = waiting(number)?;
            let call = call.upgrade().filter(|call| call.only_callee_can_answer())?;
            members.push(Member { pid: pid(number), call, since });
            if next == caller {
                let missing = AtomicUsize::new(members.len());
                return Some(DeadlockCheck { members, missing });
            }
            // It may lead into a ring that the caller is not part of: one comes by one's own traces then.
            if next == landmark || members.len() == LONGEST {
                return None;
            }
            if members.len() == stride {
                (landmark, stride) = (next, stride * 2);
            }
            number = next;
        }
    }

    /// The numbers of the processes that have to vote.
    pub(crate) fn members(&self) -> impl Iterator<Item = u64> {
        self.members.iter().map(|member| member.pid.number())
    }

    /// The vote of the process with this number, after a poll with `probe` left it waiting. The last one breaks the
    /// ring, if it is one.
    pub(crate) fn confirm(&self, number: u64, probe: &WakerProbe) {
        let certain = |member: &Member| member.pid.number() == number && probe.is_only_with(&*member.call);
        if self.members.iter().any(certain) && self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.conclude();
        }
    }

    fn conclude(&self) {
        if !self.members.iter().all(|member| member.call.only_callee_can_answer()) {
            return;
        }
        // Least is lost with the call that has waited least; it is the one that made a ring of a chain. Of two at once it
        // is the younger process's.
        let shortest = |index: &usize| (self.members[*index].since, self.members[*index].pid.number());
        let Some(victim) = (0..self.members.len()).max_by_key(shortest) else { return };
        let mut pids: Vec<Pid> = self.members.iter().map(|member| member.pid.clone()).collect();
        pids.rotate_left(victim);
        self.members[victim].call.break_cycle(pids);
    }
}

/// A waker for one round: it tells what a process waits for by where its clones are.
pub(crate) struct WakerProbe {
    task: Arc<Forward>,
    waker: Waker,
}

/// Wakes the task that it stands for.
struct Forward {
    task: Waker,
    woken: AtomicBool,
}

impl Wake for Forward {
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
        let task = Arc::new(Forward { task: task.clone(), woken: AtomicBool::new(false) });
        WakerProbe { waker: Waker::from(Arc::clone(&task)), task }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Whether nobody but `call` can wake the process.
    fn is_only_with(&self, call: &dyn AwaitedCall) -> bool {
        // Two are here. If the call lets its own go meanwhile it has been answered, which is found out later.
        call.wakes(&self.waker) && !self.task.woken.load(Ordering::Acquire) && Arc::strong_count(&self.task) == 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{CallError, NodeId};
    use crate::sync::{Mutex, PoisonError};

    /// A call as its slot would be: it keeps the waker of the poll that waits for it, until it has an answer.
    #[derive(Default)]
    struct Slot {
        waker: Mutex<Option<Waker>>,
        outcome: Mutex<Option<Result<(), CallError>>>,
        /// The reply has been passed on.
        is_out: AtomicBool,
    }

    impl Slot {
        fn put(&self, outcome: Result<(), CallError>) {
            self.outcome.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(outcome);
            self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        }

        fn outcome(&self) -> Option<Result<(), CallError>> {
            self.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    impl AwaitedCall for Slot {
        fn only_callee_can_answer(&self) -> bool {
            self.outcome().is_none() && !self.is_out.load(Ordering::Relaxed)
        }

        fn wakes(&self, waker: &Waker) -> bool {
            let kept = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            kept.as_ref().is_some_and(|kept| kept.will_wake(waker))
        }

        fn break_cycle(&self, pids: Vec<Pid>) {
            self.put(Err(CallError::Cycle { pids }));
        }
    }

    /// Two whose calls wait for each other: the second one has waited less, so it would be the victim. They vote in turn;
    /// what happens after the first vote, and what the calls come to.
    #[track_caller]
    fn check(meanwhile: impl FnOnce(&Slot), expected: [Option<Result<(), ()>>; 2]) {
        let node = Arc::new(NodeId::local(1));
        let slots = [Arc::<Slot>::default(), Arc::default()];
        let now = Instant::now();
        let members = slots.iter().zip(1..).map(|(slot, number)| Member {
            pid: Pid::new(Arc::clone(&node), number),
            call: Arc::clone(slot) as Arc<dyn AwaitedCall>,
            since: now + std::time::Duration::from_millis(number),
        });
        let inquiry = DeadlockCheck { members: members.collect(), missing: AtomicUsize::new(2) };
        let confirm = |number: u64, slot: &Slot| {
            let probe = WakerProbe::new(Waker::noop());
            *slot.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(probe.waker().clone());
            inquiry.confirm(number, &probe);
        };
        confirm(1, &slots[0]);
        meanwhile(&slots[0]);
        confirm(2, &slots[1]);
        assert_eq!(slots.map(|slot| slot.outcome().map(|outcome| outcome.map_err(drop))), expected);
    }

    #[test]
    fn a_ring_in_which_all_wait_is_broken_where_least_was_waited() {
        check(|_| {}, [None, Some(Err(()))]);
    }

    /// The first one has voted, and so will not be asked again: its question is then dropped by a full mailbox, or answered
    /// by a stranger. Only the last look at all calls finds that it goes on, and the other one with it.
    #[test]
    fn who_gets_an_answer_after_the_vote_is_found_by_the_last_look() {
        check(|slot| slot.put(Ok(())), [Some(Ok(())), None]);
        check(|slot| slot.put(Err(CallError::Full)), [Some(Err(())), None]);
        check(|slot| slot.is_out.store(true, Ordering::Relaxed), [None, None]);
    }
}
