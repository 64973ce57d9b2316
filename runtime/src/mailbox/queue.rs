use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A message and where it came from.
#[derive(Debug)]
pub(crate) struct Entry<M> {
    pub(crate) origin: Origin,
    pub(crate) message: M,
}

/// What made a message: zero for what somebody sent, else the monitor whose `Down` it is.
///
/// Kept beside each message so that `demonitor(flush)` finds a queued `Down` again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(pub(crate) u64);

impl Origin {
    pub(crate) const SENT: Origin = Origin(0);
}

/// For whom a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The process with this number, and none that comes after it.
    This(u64),
    /// Whoever owns the queue: a child that may have been restarted.
    Whoever,
}

impl Owner {
    /// The process with this number; zero is a place that is vacant just now, and so whoever will live there.
    pub(crate) fn of(number: u64) -> Owner {
        if number == 0 { Owner::Whoever } else { Owner::This(number) }
    }
}

/// A message that was not taken, handed back.
pub(crate) struct Refused<M> {
    pub(crate) message: M,
    pub(crate) full: bool,
}

/// The shared end of a mailbox: many push, the owner takes everything at once.
pub(crate) struct Queue<M> {
    inner: Mutex<Inner<M>>,
}

struct Inner<M> {
    state: State,
    entries: VecDeque<Entry<M>>,
    /// The owner's waker while it waits for a message.
    waiting: Option<Waker>,
    /// How many messages wait for an owner that is still to come.
    held: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A process with this number reads it.
    Open(u64),
    /// Its process ended and another will come: messages wait, up to `held`.
    Vacant,
    /// Nobody will read it again.
    Closed,
}

/// How many messages wait for a child that is being restarted.
const HELD: usize = 1024;

impl<M> Queue<M> {
    pub(crate) fn new() -> Queue<M> {
        Queue { inner: Mutex::new(Inner { state: State::Vacant, entries: VecDeque::new(), waiting: None, held: HELD }) }
    }

    // A panic under this lock can only come from a waker's clone; the queue is whole then.
    fn lock(&self) -> MutexGuard<'_, Inner<M>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether messages wait for an owner that is still to come, or are refused until it is there.
    pub(crate) fn hold(&self, hold: bool) {
        self.lock().held = if hold { HELD } else { 0 };
    }

    /// A process takes the queue over; messages that were held are its first.
    pub(crate) fn open(&self, number: u64) {
        self.lock().state = State::Open(number);
    }

    /// Puts a message at the end and wakes the owner.
    pub(crate) fn push(&self, owner: Owner, entry: Entry<M>) -> Result<(), Refused<M>> {
        let mut inner = self.lock();
        let (accepts, full) = match (inner.state, owner) {
            (State::Open(number), Owner::This(to)) => (number == to, false),
            (State::Open(_), Owner::Whoever) => (true, false),
            (State::Vacant, Owner::Whoever) => {
                let room = inner.entries.len() < inner.held;
                (room, !room && inner.held > 0)
            }
            (State::Vacant, Owner::This(_)) | (State::Closed, _) => (false, false),
        };
        if !accepts {
            return Err(Refused { message: entry.message, full });
        }
        inner.entries.push_back(entry);
        let waiting = inner.waiting.take();
        drop(inner);
        if let Some(waker) = waiting {
            waker.wake();
        }
        Ok(())
    }

    /// Moves everything that waits into the empty `batch`, or has `cx` woken when something comes.
    pub(crate) fn poll_take(&self, batch: &mut VecDeque<Entry<M>>, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        if inner.entries.is_empty() {
            match &mut inner.waiting {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        std::mem::swap(&mut inner.entries, batch);
        Poll::Ready(())
    }

    /// Moves everything that waits into the empty `batch`.
    pub(crate) fn take(&self, batch: &mut VecDeque<Entry<M>>) {
        std::mem::swap(&mut self.lock().entries, batch);
    }

    /// Takes out the first message with this origin.
    pub(crate) fn remove(&self, origin: Origin) -> Option<M> {
        remove(&mut self.lock().entries, origin)
    }

    /// The owner has ended: what waits comes out, for the caller to drop. `vacant` if another owner will come.
    pub(crate) fn leave(&self, vacant: bool) -> VecDeque<Entry<M>> {
        let mut inner = self.lock();
        if inner.state != State::Closed {
            inner.state = if vacant { State::Vacant } else { State::Closed };
        }
        inner.waiting = None;
        std::mem::take(&mut inner.entries)
    }

    /// Nobody will come any more.
    pub(crate) fn close(&self) -> VecDeque<Entry<M>> {
        let mut inner = self.lock();
        inner.state = State::Closed;
        inner.waiting = None;
        std::mem::take(&mut inner.entries)
    }

    /// The number of the process that owns it.
    pub(crate) fn owner(&self) -> Option<u64> {
        match self.lock().state {
            State::Open(number) => Some(number),
            State::Vacant | State::Closed => None,
        }
    }
}

pub(super) fn remove<M>(entries: &mut VecDeque<Entry<M>>, origin: Origin) -> Option<M> {
    let at = entries.iter().position(|entry| entry.origin == origin)?;
    entries.remove(at).map(|entry| entry.message)
}
