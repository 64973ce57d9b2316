//! The calls of this node that other nodes have not answered yet.
//!
//! A reply that this node passes on to another one has an entry, too: a call of which this node forwards the outcome. If
//! the caller's node was informed of that, it reports that the caller has given up, and the entry ends.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};
use std::sync::{Arc, OnceLock};

use super::names::shrink;
use super::router::CallId;
use crate::base::{CallErrorKind, ReceivedDefinition, SortedMap, Source};
use crate::sched::Rng;
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::Epoch;

/// A caller's slot for an answer from another node.
pub(crate) trait AnswerSlot: Send + Sync {
    /// Fills the slot with the encoded answer, or with an error. Only the first call has an effect.
    fn answer(&self, result: Result<ReceivedAnswer<'_>, CallErrorKind>);
}

/// The answer of another node, before it is decoded.
pub(crate) struct ReceivedAnswer<'a> {
    pub(crate) payload: &'a Source,
    /// The definition of its type, if that may differ from the caller's.
    pub(crate) definition: Option<&'a ReceivedDefinition>,
}

/// The calls that other nodes have not answered yet, by id.
pub(crate) struct PendingCalls {
    table: Mutex<Table>,
    ids: CallIds,
}

/// The connection and the id of a caller's call, and the id of the entry for it.
type PassedOn = (Epoch, u64, u64);

#[derive(Default)]
struct Table {
    calls: HashMap<u64, PendingCall, BuildHasherDefault<IdHasher>>,
    /// The calls that this node passes on.
    passed_on: SortedMap<PassedOn, ()>,
    /// The number of calls so far.
    count: u64,
}

/// Uses an id as its hash. The ids are random numbers of this node; those that a peer chooses are only looked up.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

struct PendingCall {
    slot: Arc<dyn AnswerSlot>,
    /// The place of the call in the order of all calls.
    sequence: u64,
    /// The connection on which the call was sent. Only its peer can answer, and its loss ends the call.
    epoch: Option<Epoch>,
    /// The call of another node that this one passes on.
    origin: Option<CallId>,
    /// The peer has passed the call on, and is to be informed if the caller gives up.
    is_passed_on: bool,
}

/// The outcome for an answer from another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerOutcome {
    /// The call's slot has the answer.
    Accepted,
    /// There is no such call: it has its outcome, or its caller has given up.
    Late,
    /// The call was sent on another connection.
    Stray,
}

impl PendingCalls {
    pub(super) fn new(rng: Arc<Rng>) -> PendingCalls {
        PendingCalls { table: Mutex::default(), ids: CallIds { rng, key: OnceLock::new() } }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call and returns its id, which the answer contains. `origin` is the call of another node that is passed on.
    pub(crate) fn insert(&self, slot: Arc<dyn AnswerSlot>, origin: Option<CallId>) -> u64 {
        let mut table = self.lock();
        let id = loop {
            table.count += 1;
            let id = self.ids.get(table.count);
            if !table.calls.contains_key(&id) {
                break id;
            }
        };
        let sequence = table.count;
        table.calls.insert(id, PendingCall { slot, sequence, epoch: None, origin, is_passed_on: false });
        if let Some(origin) = origin {
            table.passed_on.insert((origin.epoch, origin.id, id), ());
        }
        id
    }

    /// Notes that the calls are about to be sent on this connection.
    pub(crate) fn sent(&self, ids: &[u64], epoch: Epoch) {
        let mut table = self.lock();
        for id in ids {
            if let Some(call) = table.calls.get_mut(id) {
                call.epoch = Some(epoch);
            }
        }
    }

    /// Returns the ids of all calls.
    #[cfg(test)]
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.lock().calls.keys().copied().collect()
    }

    /// Returns the ids of the calls that were sent on this connection, or are about to be.
    #[cfg(feature = "net")]
    pub(crate) fn sent_on(&self, epoch: Epoch) -> Vec<u64> {
        let table = self.lock();
        table.calls.iter().filter(|(_, call)| call.epoch == Some(epoch)).map(|(id, _)| *id).collect()
    }

    /// Returns the connection that a call was sent on.
    pub(crate) fn epoch_of(&self, id: u64) -> Option<Epoch> {
        self.lock().calls.get(&id)?.epoch
    }

    /// Returns `true` if a call was sent on this connection, or came on it and is passed on.
    pub(crate) fn depends_on(&self, epoch: Epoch) -> bool {
        let table = self.lock();
        table
            .calls
            .values()
            .any(|call| call.epoch == Some(epoch) || call.origin.is_some_and(|origin| origin.epoch == epoch))
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().calls.len()
    }

    /// Removes a call whose caller no longer waits. Returns it if its peer is to be informed.
    pub(super) fn remove(&self, id: u64) -> Option<CallId> {
        let removed = self.lock().remove(id)?;
        removed.to_inform(id)
    }

    /// Answers a call, with an answer from the connection `from` or with an error of this node.
    pub(crate) fn answer(
        &self,
        id: u64,
        from: Option<Epoch>,
        result: Result<ReceivedAnswer<'_>, CallErrorKind>,
    ) -> AnswerOutcome {
        let mut table = self.lock();
        match table.calls.get(&id) {
            None => return AnswerOutcome::Late,
            Some(call) if from.is_some() && call.epoch != from => return AnswerOutcome::Stray,
            Some(_) => {}
        }
        let call = table.remove(id);
        drop(table);
        if let Some(call) = call {
            call.slot.answer(result);
        }
        AnswerOutcome::Accepted
    }

    /// Notes that the peer of this connection has passed a call on. Returns `false` if no caller waits for it.
    pub(crate) fn note_passed_on(&self, CallId { epoch, id }: CallId) -> bool {
        let mut table = self.lock();
        let call = table.calls.get_mut(&id).filter(|call| call.epoch == Some(epoch));
        call.map(|call| call.is_passed_on = true).is_some()
    }

    /// Removes the entries of a call that this node passes on, since its caller has given up. Returns those whose peers
    /// are to be informed.
    pub(super) fn remove_passed_on(&self, CallId { epoch, id }: CallId) -> Vec<CallId> {
        let mut table = self.lock();
        let entries = table.entries(&(epoch, id, 0), |entry| (entry.0, entry.1) == (epoch, id));
        let removed = table.remove_entries(&entries);
        drop(table);
        removed.iter().filter_map(|(id, call)| call.to_inform(*id)).collect()
    }

    /// Ends the calls that were sent on a connection which is lost, in their order, and the entries of calls that came on
    /// it. Returns those of the latter whose peers are to be informed.
    pub(super) fn disconnect(&self, epoch: Epoch) -> Vec<CallId> {
        let mut table = self.lock();
        let is_lost = |call: &PendingCall| call.epoch == Some(epoch);
        let mut lost: Vec<(u64, u64)> =
            table.calls.iter().filter(|(_, call)| is_lost(call)).map(|(id, call)| (call.sequence, *id)).collect();
        lost.sort_unstable();
        let lost: Vec<_> = lost.into_iter().filter_map(|(_, id)| table.remove(id)).collect();
        let entries = table.entries(&(epoch, 0, 0), |entry| entry.0 == epoch);
        let given_up = table.remove_entries(&entries);
        drop(table);
        for call in lost {
            call.slot.answer(Err(CallErrorKind::NoConnection));
        }
        given_up.iter().filter_map(|(id, call)| call.to_inform(*id)).collect()
    }
}

impl Table {
    fn remove(&mut self, id: u64) -> Option<PendingCall> {
        let call = self.calls.remove(&id)?;
        shrink(&mut self.calls);
        if let Some(origin) = call.origin {
            self.passed_on.remove(&(origin.epoch, origin.id, id));
        }
        Some(call)
    }

    /// Returns the entries from `first` on, up to one to which `belongs` does not apply.
    fn entries(&self, first: &PassedOn, belongs: impl Fn(&PassedOn) -> bool) -> Vec<PassedOn> {
        let entries = self.passed_on.iter_from(first).map(|(entry, ())| *entry);
        entries.take_while(belongs).collect()
    }

    fn remove_entries(&mut self, entries: &[PassedOn]) -> Vec<(u64, PendingCall)> {
        entries.iter().filter_map(|(_, _, id)| Some((*id, self.remove(*id)?))).collect()
    }
}

impl PendingCall {
    fn to_inform(&self, id: u64) -> Option<CallId> {
        self.epoch.filter(|_| self.is_passed_on).map(|epoch| CallId { epoch, id })
    }
}

/// The ids of calls: 64 bits each, which another node cannot guess from those that it has seen.
struct CallIds {
    rng: Arc<Rng>,
    /// Drawn for the first call to another node.
    key: OnceLock<[u64; 2]>,
}

impl CallIds {
    /// Returns the id of the call with this number: SipHash of the number, under the node's key.
    fn get(&self, number: u64) -> u64 {
        let key = self.key.get_or_init(|| self.draw_key());
        let mut hasher = DefaultHasher::new();
        key.iter().for_each(|half| hasher.write_u64(*half));
        hasher.write_u64(number);
        hasher.finish()
    }

    fn draw_key(&self) -> [u64; 2] {
        #[cfg(feature = "net")]
        {
            let mut bytes = [0; 16];
            if self.rng.fill_secret(&mut bytes).is_ok() {
                let (low, high) = bytes.split_at(8);
                return [low, high].map(|half| half.iter().fold(0, |key, byte| key << 8 | u64::from(*byte)));
            }
        }
        // Seeded by the operating system when the node started, or by a test.
        [self.rng.next(), self.rng.next()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<Vec<u8>, CallErrorKind>;

    /// Notes the order of its outcomes.
    struct Slot(u64, Arc<Mutex<Vec<(u64, Outcome)>>>);

    impl AnswerSlot for Slot {
        fn answer(&self, result: Result<ReceivedAnswer<'_>, CallErrorKind>) {
            self.1.lock().unwrap().push((self.0, result.map(|answer| answer.payload.to_vec())));
        }
    }

    const OLD: Epoch = Epoch(1);
    const NEW: Epoch = Epoch(2);

    fn answer(payload: &Source) -> ReceivedAnswer<'_> {
        ReceivedAnswer { payload, definition: None }
    }

    fn calls() -> PendingCalls {
        PendingCalls::new(Arc::new(Rng::seeded(7)))
    }

    #[test]
    fn a_loss_ends_the_calls_of_its_own_connection_in_their_order() {
        let (calls, outcomes) = (calls(), Arc::default());
        let ids: Vec<_> = (0..100).map(|n| calls.insert(Arc::new(Slot(n, Arc::clone(&outcomes))), None)).collect();
        calls.sent(&ids[..50], OLD);
        calls.sent(&ids[50..], NEW);
        assert_eq!(calls.disconnect(OLD), []);
        let expected: Vec<_> = (0..50).map(|n| (n, Err(CallErrorKind::NoConnection))).collect();
        assert_eq!(*outcomes.lock().unwrap(), expected);
        assert_eq!(calls.disconnect(OLD), []);
        assert_eq!(calls.count(), 50);
        calls.disconnect(NEW);
        assert_eq!((calls.count(), outcomes.lock().unwrap().len()), (0, 100));
    }

    #[test]
    fn an_answer_is_accepted_only_from_the_connection_on_which_the_call_was_sent() {
        let (calls, outcomes) = (calls(), Arc::default());
        let id = calls.insert(Arc::new(Slot(0, Arc::clone(&outcomes))), None);
        assert_eq!(
            calls.answer(id, Some(OLD), Ok(answer(&Source::from_static(&[1])))),
            AnswerOutcome::Stray,
            "it was not sent at all"
        );
        calls.sent(&[id], NEW);
        assert_eq!(calls.answer(id, Some(OLD), Ok(answer(&Source::from_static(&[2])))), AnswerOutcome::Stray);
        assert_eq!(calls.answer(id, Some(NEW), Ok(answer(&Source::from_static(&[3])))), AnswerOutcome::Accepted);
        assert_eq!(calls.answer(id, Some(NEW), Ok(answer(&Source::from_static(&[4])))), AnswerOutcome::Late);
        assert_eq!(*outcomes.lock().unwrap(), [(0, Ok(vec![3]))]);
    }

    #[test]
    fn a_call_that_was_passed_on_ends_with_its_caller() {
        let (calls, outcomes) = (calls(), Arc::default());
        let origin = CallId { epoch: OLD, id: 9 };
        let add = |origin| {
            let id = calls.insert(Arc::new(Slot(0, Arc::clone(&outcomes))), Some(origin));
            calls.sent(&[id], NEW);
            id
        };
        let (first, second) = (add(origin), add(origin));
        let other = add(CallId { epoch: NEW, id: 9 });
        assert!(calls.note_passed_on(CallId { epoch: NEW, id: second }));
        assert!(!calls.note_passed_on(CallId { epoch: OLD, id: first }), "sent on another connection");
        assert!(!calls.note_passed_on(CallId { epoch: NEW, id: 1 }));
        assert_eq!(calls.remove_passed_on(origin), [CallId { epoch: NEW, id: second }], "its peer passed it on again");
        assert_eq!(calls.ids(), [other]);
        let answered = add(origin);
        calls.answer(answered, Some(NEW), Ok(answer(&Source::from_static(&[]))));
        assert_eq!(calls.remove_passed_on(origin), []);
        let lost = add(origin);
        assert!(calls.note_passed_on(CallId { epoch: NEW, id: lost }));
        assert_eq!(calls.disconnect(OLD), [CallId { epoch: NEW, id: lost }]);
        assert_eq!(calls.ids(), [other]);
        assert_eq!(*outcomes.lock().unwrap(), [(0, Ok(vec![]))]);
    }

    #[test]
    fn ids_depend_on_a_secret_and_on_every_bit_of_their_number() {
        let ids = |seed| {
            let ids = CallIds { rng: Arc::new(Rng::seeded(seed)), key: OnceLock::new() };
            (1..=1000).map(|number| ids.get(number)).collect::<Vec<_>>()
        };
        assert_eq!(ids(1), ids(1), "a seed repeats them");
        assert!(ids(1).iter().zip(ids(2)).all(|(one, other)| *one != other));
        // Each bit of an id is set in half of all ids, and differs from its predecessor's in half of all cases.
        for bit in 0..64 {
            let bits: Vec<_> = ids(1).iter().map(|id| id >> bit & 1).collect();
            let set: u64 = bits.iter().sum();
            let changed = bits.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!((400..=600).contains(&set) && (400..=600).contains(&changed), "bit {bit}: {set}, {changed}");
        }
        let unseeded = || CallIds { rng: Arc::new(Rng::unseeded()), key: OnceLock::new() }.get(1);
        assert_ne!(unseeded(), unseeded());
    }
}
