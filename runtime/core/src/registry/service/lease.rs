//! The lease of a node's claims, by the node's own clock.

use std::time::{Duration, Instant};

use super::super::claims::RegistryError;

/// The lease, and its renewals.
pub(super) struct Lease {
    time: Duration,
    state: State,
    /// Counts the ends of the lease.
    round: u64,
    /// The beginning of the renewal that is in flight.
    renewal: Option<Instant>,
    /// The time of the next renewal.
    next: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The registry has no lease of the node.
    None,
    /// The registry counts from no earlier time than this.
    Since {
        begun: Instant,
        /// A renewal has succeeded since the lease began.
        is_confirmed: bool,
    },
    /// The registry may count a lease, from an unknown time.
    Unsure,
}

/// The outcome of a renewal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Renewed {
    Kept,
    /// All claims have ended.
    Ended,
}

impl Lease {
    pub(super) fn new(time: Duration) -> Lease {
        Lease { time, state: State::None, round: 0, renewal: None, next: None }
    }

    /// Returns the time for which a renewal lasts.
    #[cfg(feature = "upgrade")]
    pub(super) fn time(&self) -> Duration {
        self.time
    }

    /// Notes that the predecessor of this process has begun a lease. A renewal is due.
    #[cfg(feature = "upgrade")]
    pub(super) fn continue_unsure(&mut self, now: Instant) {
        if now.checked_add(self.time).is_none() {
            // A lease without an end needs no renewal.
            self.state = State::Since { begun: now, is_confirmed: true };
        } else {
            self.state = State::Unsure;
            self.next = Some(now);
        }
    }

    /// Returns the time between two renewals.
    pub(super) fn interval(&self) -> Duration {
        self.time / 3
    }

    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// Returns `true` if a claim may be requested: to begin the lease, or while it is known when it ends.
    pub(super) fn admits_claims(&self) -> bool {
        self.state == State::None || self.is_confirmed()
    }

    pub(super) fn is_confirmed(&self) -> bool {
        matches!(self.state, State::Since { is_confirmed: true, .. })
    }

    pub(super) fn is_known(&self) -> bool {
        matches!(self.state, State::Since { .. })
    }

    /// Returns `true` while the node may rely on its claims.
    #[cfg(test)]
    pub(super) fn is_valid(&self, now: Instant) -> bool {
        match self.state {
            State::Since { .. } => self.ends_at().is_none_or(|end| now < end),
            State::None | State::Unsure => false,
        }
    }

    /// Returns the time at which the node gives its claims up; `None` if it never does.
    fn ends_at(&self) -> Option<Instant> {
        match self.state {
            State::Since { begun, .. } => begun.checked_add(self.time - self.time / 8),
            State::None | State::Unsure => None,
        }
    }

    pub(super) fn wakes_at(&self) -> Option<Instant> {
        let renewal = self.next.filter(|_| self.renewal.is_none());
        self.ends_at().into_iter().chain(renewal).min()
    }

    /// Notes that a claim is requested now, which may begin the lease.
    pub(super) fn requested(&mut self, now: Instant) {
        if self.state == State::None {
            self.next = now.checked_add(self.interval());
            // A lease without an end needs no renewal.
            self.state = State::Since { begun: now, is_confirmed: self.next.is_none() };
        }
    }

    /// Notes that a request was answered. A lease that is not confirmed is renewed at once.
    pub(super) fn answered(&mut self, now: Instant) {
        if matches!(self.state, State::Since { is_confirmed: false, .. }) {
            self.next = Some(now);
        }
    }

    /// Returns `true` if a renewal is due. It begins now.
    pub(super) fn begin_renewal(&mut self, now: Instant) -> bool {
        let is_due = self.state != State::None && self.renewal.is_none() && self.next.is_some_and(|next| next <= now);
        if is_due {
            self.renewal = Some(now);
        }
        is_due
    }

    /// Notes the outcome of the renewal that is in flight. `may_begin` states that a claim is requested, which may begin
    /// another lease.
    pub(super) fn renewed(&mut self, result: Result<(), RegistryError>, now: Instant, may_begin: bool) -> Renewed {
        let Some(begun) = self.renewal.take() else { return Renewed::Kept };
        match result {
            Ok(()) => {
                self.state = State::Since { begun, is_confirmed: true };
                self.next = begun.checked_add(self.interval());
                if self.expire(now) { Renewed::Ended } else { Renewed::Kept }
            }
            Err(RegistryError::LeaseLost) => {
                self.lose(may_begin.then_some(begun));
                Renewed::Ended
            }
            Err(_) => {
                self.next = now.checked_add(self.time / 12);
                Renewed::Kept
            }
        }
    }

    /// Ends the lease if its time is over. Returns `true` if it ended.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let is_over = self.ends_at().is_some_and(|end| end <= now);
        if is_over {
            self.doubt(now);
        }
        is_over
    }

    /// Notes that the lease has ended, or may have. A renewal is due.
    pub(super) fn doubt(&mut self, now: Instant) {
        self.state = State::Unsure;
        self.round += 1;
        self.next = Some(now);
    }

    /// Notes that the registry has ended the lease. A request that is in flight may begin another one, at `begun` or later.
    fn lose(&mut self, begun: Option<Instant>) {
        self.state = begun.map_or(State::None, |begun| State::Since { begun, is_confirmed: false });
        self.round += 1;
        self.next = begun.and_then(|begun| begun.checked_add(self.interval()));
    }
}
