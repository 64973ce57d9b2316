use std::collections::VecDeque;
use std::panic::Location;
use std::task::{Context, Poll};

use super::batch::Batch;
use super::queue::{ReaderStats, TakeOutcome, TakeRequest};
use super::remove::remove;
use super::save::Saved;
use super::{Entry, Mask, Origin, Queue, WaiterId};
use crate::base::Protocol;

/// The owner's end of a mailbox: the batch that it took over, the save queue, the running scan.
pub(crate) struct Inbox<M> {
    batch: Batch<M>,
    saved: Option<Box<Saved<M>>>,
    want: Mask,
    /// The lanes of the save queue that the running scan has not been through. Then it looks at what arrives.
    pending: u64,
    /// The last waiter that the running scan has tested.
    last_waiter: Option<WaiterId>,
    /// How many messages have come out of the queue.
    read: u64,
    /// As many as that when it last waited.
    idle: u64,
    /// How many calls were among those that matched.
    calls: u64,
    /// The source location of the running receive, if known.
    location: Option<&'static Location<'static>>,
    testing: Testing,
}

/// Where the message that is being tested came from.
#[derive(Clone, Copy)]
enum Testing {
    Nothing,
    /// A lane of the save queue, where its place is kept.
    Saved(usize),
    Arrived(Origin),
    /// The wait queue, where its place is kept.
    Waiter(WaiterId, Origin),
}

/// What a scan came upon.
pub(crate) enum Next<M> {
    /// A message that an arm may want: [`keep`](Inbox::keep) or [`skip`](Inbox::skip) it.
    Test(M),
    /// Nothing that is here; the queue will wake the caller.
    Empty,
}

/// Whoever read so many messages since it last waited looks once more before it waits again: those who fill its mailbox
/// are at work, and to be woken by each of them would cost both sides more.
const BUSY: u64 = 2;

impl<M: Protocol> Inbox<M> {
    pub(crate) fn new() -> Inbox<M> {
        Inbox {
            batch: Batch::new(),
            saved: None,
            want: Mask::ALL,
            pending: 0,
            last_waiter: None,
            read: 0,
            idle: 0,
            calls: 0,
            location: None,
            testing: Testing::Nothing,
        }
    }

    /// Begins a receive that can take `want`, at this source location.
    #[inline(always)]
    pub(crate) fn begin(&mut self, queue: &Queue<M>, want: Mask, location: Option<&'static Location<'static>>) {
        self.want = want;
        self.location = location;
        self.pending = 0;
        self.last_waiter = None;
        if const { Mask::urgent::<M>().0 != 0 } {
            // What is urgent goes before what is saved, also if it came only now.
            queue.take_urgent(&mut self.batch);
            while let Some(entry) = self.batch.urgent.pop_front() {
                self.read += 1;
                self.save(entry);
            }
        }
        if !matches!(self.testing, Testing::Nothing) {
            // A guard that panicked, in a body that caught it: the message went with it, and counts no longer.
            let counted = match self.testing {
                Testing::Arrived(origin) => {
                    self.testing = Testing::Nothing;
                    origin.is_sent()
                }
                _ => self.keep_other(queue),
            };
            if counted {
                queue.release();
            }
        }
        if let Some(saved) = &mut self.saved {
            self.pending = saved.begin(want);
        }
    }

    /// The next message of those that were taken over, and its variant, for an owner that takes whatever comes out of a
    /// [plain](Self::is_plain) inbox: nearly all of a server's messages come this way.
    #[inline(always)]
    pub(crate) fn at_hand(&mut self) -> Option<(usize, M)> {
        // All that is to be known of it is asked where it lies: it moves once, to whoever takes it.
        let message = &self.batch.entries.front()?.message;
        let variant = message.variant();
        message.mark_taken();
        self.location = None;
        self.read += 1;
        self.count_call(variant);
        self.batch.entries.pop_front().map(|entry| (variant, entry.message))
    }

    /// Whether all that the owner has is its batch, in the order of arrival.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        let urgent = const { Mask::urgent::<M>().0 != 0 };
        !urgent && self.saved.as_ref().is_none_or(|saved| saved.len() == 0) && matches!(self.testing, Testing::Nothing)
    }

    /// Fills the batch of a [plain](Self::is_plain) inbox again, which is empty, or has `cx` woken when that is possible.
    #[inline(always)]
    pub(crate) fn poll_refill(&mut self, queue: &Queue<M>, cx: &mut Context<'_>) -> Poll<()> {
        let repoll = self.read - self.idle >= BUSY;
        let refilled = queue.poll_refill(&mut self.batch, (self.read, self.calls), repoll, cx);
        if refilled.is_pending() {
            self.idle = self.read;
        }
        refilled
    }

    #[inline(always)]
    fn count_call(&mut self, variant: usize) {
        self.calls += u64::from(Mask::calls::<M>().has(Mask::lane(variant)));
    }

    /// The next saved message to test, in most scans that test any: others are left to [`next`](Self::next).
    #[inline(always)]
    pub(crate) fn next_saved(&mut self) -> Option<M> {
        if self.pending == 0 {
            return None;
        }
        let (lane, message) = self.saved.as_mut()?.next_in_lane(self.pending)?;
        self.testing = Testing::Saved(lane);
        Some(message)
    }

    /// The next message to test. With no `cx`, only what is already here counts.
    #[inline(always)]
    pub(crate) fn next(&mut self, queue: &Queue<M>, mut cx: Option<&mut Context<'_>>) -> Next<M> {
        if self.pending != 0
            && let Some(saved) = &mut self.saved
            && let Some((lane, message)) = saved.next(&mut self.pending)
        {
            self.testing = Testing::Saved(lane);
            return Next::Test(message);
        }
        loop {
            while let Some(entry) = self.pop() {
                self.read += 1;
                if self.want.has(Mask::lane(entry.message.variant())) {
                    self.testing = Testing::Arrived(entry.origin);
                    return Next::Test(entry.message);
                }
                self.save(entry);
            }
            match cx.as_deref_mut() {
                Some(cx) => {
                    let repoll = self.read - self.idle >= BUSY;
                    let request =
                        TakeRequest { want: self.want, tested: self.last_waiter, repoll, reader: self.stats() };
                    match queue.poll_take(&mut self.batch, &request, cx) {
                        TakeOutcome::Batch => {}
                        TakeOutcome::Waiter(id, entry) => {
                            self.last_waiter = Some(id);
                            self.testing = Testing::Waiter(id, entry.origin);
                            return Next::Test(entry.message);
                        }
                        TakeOutcome::Nothing => {
                            self.idle = self.read;
                            return Next::Empty;
                        }
                    }
                }
                None => {
                    let stats = self.stats();
                    queue.take(&mut self.batch, stats);
                    if self.is_read() {
                        return Next::Empty;
                    }
                }
            }
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<Entry<M>> {
        if const { Mask::urgent::<M>().0 != 0 }
            && let Some(entry) = self.batch.urgent.pop_front()
        {
            return Some(entry);
        }
        self.batch.entries.pop_front()
    }

    #[inline(never)]
    fn save(&mut self, entry: Entry<M>) {
        let lane = Mask::lane(entry.message.variant());
        self.saved.get_or_insert_with(|| Box::new(Saved::new(Mask::urgent::<M>()))).push(lane, entry);
    }

    fn stats(&self) -> ReaderStats {
        let saved = self.saved();
        ReaderStats {
            handled: self.read.saturating_sub(u64::from(saved)),
            calls: self.calls,
            location: self.location,
            saved,
            batch: u32::try_from(self.batch.urgent.len() + self.batch.entries.len()).unwrap_or(u32::MAX),
        }
    }

    pub(crate) fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }

    /// Publishes the counts of the process with this number, which owns the inbox. Returns how many messages the mailbox
    /// holds.
    pub(crate) fn publish(&self, queue: &Queue<M>, number: u64) -> u64 {
        queue.publish(number, self.stats())
    }

    /// How many messages have been looked at, or saved, since the process began.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// How many messages no receive has taken.
    pub(crate) fn saved(&self) -> u32 {
        self.saved.as_ref().map_or(0, |saved| saved.len())
    }

    /// Whether nothing is left of what was taken over.
    pub(crate) fn is_read(&self) -> bool {
        self.batch.urgent.is_empty() && self.batch.entries.is_empty()
    }

    /// The tested message, of this variant, matched and belongs to the receiver. Says whether it counts in a bounded
    /// mailbox.
    #[inline(always)]
    pub(crate) fn keep(&mut self, queue: &Queue<M>, variant: usize) -> bool {
        self.count_call(variant);
        if let Testing::Arrived(origin) = self.testing {
            self.testing = Testing::Nothing;
            return origin.is_sent();
        }
        self.keep_other(queue)
    }

    /// The same for one that came from elsewhere than the queue.
    fn keep_other(&mut self, queue: &Queue<M>) -> bool {
        match std::mem::replace(&mut self.testing, Testing::Nothing) {
            Testing::Nothing | Testing::Arrived(_) => false,
            Testing::Saved(lane) => {
                self.saved.as_mut().and_then(|saved| saved.take_out(lane)).is_some_and(Origin::is_sent)
            }
            // It never came to count.
            Testing::Waiter(id, _) => {
                queue.admit(id);
                false
            }
        }
    }

    /// The tested message did not match: it waits for another receive. Handed back if it has no place any more, since its
    /// sender withdrew it from the line.
    // A part of each receive, where the message is in registers: a guard may refuse thousands.
    #[inline(always)]
    pub(crate) fn skip(&mut self, queue: &Queue<M>, message: M) -> Option<M> {
        if let Testing::Saved(lane) = self.testing
            && let Some(saved) = &mut self.saved
            && let Some(place) = saved.place(lane)
        {
            self.testing = Testing::Nothing;
            *place = Some(message);
            return None;
        }
        // Another value, so that the one above need not be in memory for its sake.
        self.skip_other(queue, Some(message))
    }

    #[inline(never)]
    fn skip_other(&mut self, queue: &Queue<M>, message: Option<M>) -> Option<M> {
        let message = message?;
        match std::mem::replace(&mut self.testing, Testing::Nothing) {
            Testing::Arrived(origin) => self.save(Entry { origin, message }),
            Testing::Waiter(id, origin) => return queue.put_back(id, Entry { origin, message }),
            Testing::Nothing | Testing::Saved(_) => self.save(Entry { origin: Origin::SENT, message }),
        }
        None
    }

    /// What was taken over and not looked at; for the caller to drop, as what is [saved](Self::drain_saved).
    pub(crate) fn drain(&mut self) -> VecDeque<Entry<M>> {
        let mut all = std::mem::take(&mut self.batch.urgent);
        if all.is_empty() {
            return std::mem::take(&mut self.batch.entries);
        }
        all.append(&mut self.batch.entries);
        all
    }

    /// A lane of what is saved, as long as there is one.
    pub(crate) fn drain_saved(&mut self) -> Option<VecDeque<Option<M>>> {
        self.saved.as_mut()?.pop_lane()
    }

    /// Everything that waits here stands in the queue again, in the order in which it came: the owner's start has failed.
    pub(crate) fn put_back(&mut self, queue: &Queue<M>) {
        let mut saved = self.saved.take().map(|saved| saved.into_entries()).unwrap_or_default();
        let (mut urgent, mut entries) = (VecDeque::new(), VecDeque::new());
        while let Some(entry) = saved.pop_front() {
            let is_urgent = Mask::urgent::<M>().has(Mask::lane(entry.message.variant()));
            if is_urgent { &mut urgent } else { &mut entries }.push_back(entry);
        }
        urgent.append(&mut self.batch.urgent);
        entries.append(&mut self.batch.entries);
        queue.put_all_back(urgent, entries);
    }

    /// Takes out the message with this origin, wherever it waits.
    pub(crate) fn remove(&mut self, queue: &Queue<M>, origin: Origin) -> Option<M> {
        if let Some(saved) = &mut self.saved
            && let Some(message) = saved.remove(origin)
        {
            return Some(message);
        }
        remove(&mut self.batch.entries, origin)
            .or_else(|| remove(&mut self.batch.urgent, origin))
            .or_else(|| queue.remove(origin))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::base::Variant;
    use crate::mailbox::{Addressee, Arrival, PushObserver, Refused};

    #[derive(Debug, PartialEq, Clone, Copy)]
    enum Letter {
        A(u32),
        B(u32),
    }

    impl Protocol for Letter {
        const NAME: &'static str = "Letter";
        const VARIANTS: &'static [Variant] = &[
            Variant { name: "A", shape: "u32", call: false, system: false, priority: false },
            Variant { name: "B", shape: "u32", call: false, system: false, priority: false },
        ];

        fn variant(&self) -> usize {
            match self {
                A(_) => 0,
                B(_) => 1,
            }
        }
    }

    use Letter::{A, B};

    /// What a receive takes of what is here: the first message that `matches`, among the variants of `want`.
    fn receive(
        inbox: &mut Inbox<Letter>,
        queue: &Queue<Letter>,
        want: u64,
        matches: impl Fn(Letter) -> bool,
    ) -> (Option<Letter>, usize) {
        inbox.begin(queue, Mask(want), None);
        let mut tested = 0;
        while let Next::Test(letter) = inbox.next(queue, None) {
            tested += 1;
            if matches(letter) {
                inbox.keep(queue, letter.variant());
                return (Some(letter), tested);
            }
            inbox.skip(queue, letter);
        }
        (None, tested)
    }

    fn queue(letters: &[Letter]) -> Queue<Letter> {
        let queue = Queue::new(None);
        queue.open(1);
        for letter in letters {
            let entry = Entry { origin: Origin::SENT, message: *letter };
            assert!(push(&queue, Addressee::Process(1), entry).is_ok());
        }
        queue
    }

    struct Unobserved;

    impl PushObserver<Letter> for Unobserved {
        fn arriving(&self, _: u64, _: &Letter) -> bool {
            false
        }

        fn arrived(&self, _: Arrival) {}

        fn dropped(&self, _: Letter) {}

        fn refused(&self) {}
    }

    fn push(queue: &Queue<Letter>, to: Addressee, entry: Entry<Letter>) -> Result<Option<WaiterId>, Refused<Letter>> {
        queue.push(&Unobserved, to, entry, false)
    }

    #[test]
    fn skipped_messages_keep_their_order() {
        let (queue, mut inbox) = (queue(&[A(1), A(2), B(0), A(3)]), Inbox::new());
        assert_eq!(receive(&mut inbox, &queue, 0b10, |_| true).0, Some(B(0)));
        for n in 1..=3 {
            assert_eq!(receive(&mut inbox, &queue, 0b11, |_| true).0, Some(A(n)));
        }
        assert_eq!(receive(&mut inbox, &queue, 0b11, |_| true).0, None);
    }

    #[test]
    fn message_order_beats_lane_order() {
        let (queue, mut inbox) = (queue(&[B(1), A(2), B(3), A(4)]), Inbox::new());
        assert_eq!(receive(&mut inbox, &queue, 0b11, |_| false), (None, 4));
        for expected in [B(1), A(2), B(3), A(4)] {
            assert_eq!(receive(&mut inbox, &queue, 0b11, |_| true), (Some(expected), 1));
        }
    }

    #[test]
    fn an_unwanted_variant_is_never_looked_at() {
        let letters: Vec<_> = (0..1000).map(A).chain([B(0)]).collect();
        let (queue, mut inbox) = (queue(&letters), Inbox::new());
        assert_eq!(receive(&mut inbox, &queue, 0b10, |_| true), (Some(B(0)), 1));
        assert_eq!(receive(&mut inbox, &queue, 0b10, |_| true), (None, 0));
        assert_eq!(receive(&mut inbox, &queue, 0b01, |a| a == A(500)), (Some(A(500)), 501));
        assert_eq!(receive(&mut inbox, &queue, 0b01, |_| true), (Some(A(0)), 1));
        assert_eq!(receive(&mut inbox, &queue, 0b01, |a| a == A(501)), (Some(A(501)), 500));
    }

    #[test]
    fn an_abandoned_scan_loses_nothing() {
        let (queue, mut inbox) = (queue(&[A(1), A(2), A(3)]), Inbox::new());
        assert_eq!(receive(&mut inbox, &queue, 0b01, |_| false).0, None);
        inbox.begin(&queue, Mask(0b01), None);
        let Next::Test(letter) = inbox.next(&queue, None) else { panic!("saved") };
        inbox.skip(&queue, letter);
        assert_eq!(receive(&mut inbox, &queue, 0b01, |_| true).0, Some(A(1)));
        assert_eq!(receive(&mut inbox, &queue, 0b01, |_| true).0, Some(A(2)));
    }

    #[test]
    fn an_owner_that_waits_keeps_no_memory_of_a_flood() {
        let flood: Vec<_> = (0..20_000).map(A).collect();
        let (queue, mut inbox) = (queue(&flood), Inbox::new());
        let entry = size_of::<Entry<Letter>>();
        let room = |inbox: &Inbox<Letter>| queue.stats().bytes as usize + inbox.batch.entries.capacity() * entry;
        assert!(room(&inbox) > 256 * 1024, "room for a flood: {}", room(&inbox));
        let mut cx = Context::from_waker(Waker::noop());
        for round in 1..=2 {
            inbox.begin(&queue, Mask::ALL, None);
            let mut read = 0;
            while let Next::Test(letter) = inbox.next(&queue, Some(&mut cx)) {
                inbox.keep(&queue, letter.variant());
                read += 1;
            }
            // It looks once more before it waits, since so many came.
            assert_eq!(read, if round == 1 { flood.len() } else { 0 });
        }
        assert!(room(&inbox) < 1024, "room for what comes next: {}", room(&inbox));
    }

    #[test]
    fn a_message_of_a_known_origin_is_found_again() {
        let (queue, mut inbox) = (queue(&[A(1)]), Inbox::new());
        assert!(push(&queue, Addressee::Process(1), Entry { origin: Origin::monitor(9), message: B(9) }).is_ok());
        assert_eq!(inbox.remove(&queue, Origin::monitor(9)), Some(B(9)));
        assert!(push(&queue, Addressee::Process(1), Entry { origin: Origin::monitor(9), message: B(9) }).is_ok());
        assert_eq!(receive(&mut inbox, &queue, 0b01, |_| false).0, None);
        assert_eq!(inbox.remove(&queue, Origin::monitor(9)), Some(B(9)));
        assert_eq!(inbox.remove(&queue, Origin::monitor(9)), None);
        assert_eq!(receive(&mut inbox, &queue, 0b11, |_| true).0, Some(A(1)));
    }

    #[test]
    fn a_restarted_owner_does_not_get_what_was_meant_for_its_predecessor() {
        let queue = queue(&[A(1)]);
        assert_eq!(queue.leave(true).len(), 1);
        let entry = || Entry { origin: Origin::SENT, message: A(2) };
        assert!(push(&queue, Addressee::Process(1), entry()).is_err());
        assert!(push(&queue, Addressee::AnyOwner, entry()).is_ok());
        queue.open(2);
        assert!(push(&queue, Addressee::Process(1), entry()).is_err());
        assert!(push(&queue, Addressee::Process(2), entry()).is_ok());
        assert_eq!(queue.close().len(), 2);
        assert!(push(&queue, Addressee::AnyOwner, entry()).is_err());
    }
}
