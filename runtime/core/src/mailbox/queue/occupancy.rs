//! Occupancy: which process reads a mailbox, and whether it takes a message.
//!
//! A mailbox is *vacant*, *starting*, *running* or *closed*. The mailbox of a supervised child goes through vacant,
//! starting and running once per restart. A message for any owner that comes before a start has succeeded is a *held
//! message*: it is kept until a start succeeds.

use super::super::Addressee;

/// The state of a mailbox and the number of the process that reads it, in one word.
///
/// One word, since a push compares it with the addressee's number and nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Occupancy(u64);

/// An [`Occupancy`], taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The last process has ended and another will follow.
    Vacant,
    /// The process with this number reads; its start may still fail.
    Starting(u64),
    /// The process with this number reads.
    Running(u64),
    /// No process will read again.
    Closed,
}

/// The answer of a mailbox to a message, before its bound is considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acceptance {
    /// The owner gets the message.
    Accept,
    /// The first owner whose start succeeds gets the message.
    Hold,
    /// The mailbox holds as many messages as it may.
    Full,
    /// The addressee does not exist, or no longer.
    Gone,
}

impl Occupancy {
    /// No process has the number zero.
    pub(super) const VACANT: Occupancy = Occupancy(0);

    /// No process has this number.
    pub(super) const CLOSED: Occupancy = Occupancy(u64::MAX);

    /// Set while a start may still fail. The numbers of processes are smaller.
    const STARTING: u64 = 1 << 63;

    /// The mailbox of a process that runs, or a vacant one if `number` is zero.
    pub(super) fn running(number: u64) -> Occupancy {
        Occupancy(number)
    }

    /// The mailbox of a process whose start may still fail.
    pub(super) fn starting(number: u64) -> Occupancy {
        Occupancy(number | Occupancy::STARTING)
    }

    /// Returns the state in words.
    pub(super) fn state(self) -> State {
        match self {
            Occupancy::VACANT => State::Vacant,
            Occupancy::CLOSED => State::Closed,
            Occupancy(word) if word & Occupancy::STARTING != 0 => State::Starting(word & !Occupancy::STARTING),
            Occupancy(number) => State::Running(number),
        }
    }

    /// Returns the number of the process that reads, whether its start has succeeded or not.
    pub(super) fn process(self) -> Option<u64> {
        match self.state() {
            State::Starting(number) | State::Running(number) => Some(number),
            State::Vacant | State::Closed => None,
        }
    }

    /// Returns whether the addressee runs: the case of nearly every message, in one comparison.
    #[inline(always)]
    pub(super) fn runs(self, to: Addressee) -> bool {
        match to {
            Addressee::Process(number) => self.0 == number,
            Addressee::AnyOwner => (Occupancy::VACANT.0 + 1..Occupancy::STARTING).contains(&self.0),
        }
    }

    /// Decides whether a message for `to` is taken. With `holds_messages`, a message is held and not refused.
    pub(super) fn acceptance(self, to: Addressee, holds_messages: bool) -> Acceptance {
        match (self.state(), to) {
            (State::Vacant | State::Starting(_), Addressee::AnyOwner) if holds_messages => Acceptance::Hold,
            (State::Vacant | State::Closed, _) => Acceptance::Gone,
            (State::Starting(number) | State::Running(number), Addressee::Process(to)) if number != to => {
                Acceptance::Gone
            }
            (State::Starting(_) | State::Running(_), _) => Acceptance::Accept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_and_the_addressee_decide_the_reception() {
        use Acceptance::{Accept, Gone, Hold};
        use Addressee::{AnyOwner, Process};
        let check = |occupancy: Occupancy, state: State, expected: [Acceptance; 4]| {
            assert_eq!(occupancy.state(), state);
            let of = |to, holds_messages| occupancy.acceptance(to, holds_messages);
            assert_eq!([of(Process(1), true), of(Process(2), true), of(AnyOwner, true), of(AnyOwner, false)], expected);
            let runs = matches!(state, State::Running(_));
            assert_eq!(
                [Process(1), Process(2), AnyOwner].map(|to| occupancy.runs(to)),
                [runs, false, runs],
                "{state:?}"
            );
        };
        check(Occupancy::VACANT, State::Vacant, [Gone, Gone, Hold, Gone]);
        check(Occupancy::starting(1), State::Starting(1), [Accept, Gone, Hold, Accept]);
        check(Occupancy::running(1), State::Running(1), [Accept, Gone, Accept, Accept]);
        check(Occupancy::CLOSED, State::Closed, [Gone, Gone, Gone, Gone]);
    }
}
