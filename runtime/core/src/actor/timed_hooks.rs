//! Servers with `#[every]` and `#[idle]`.
//!
//! A slow hook must not starve the rest of its server. Between two runs of hooks, of the same hook or of two, the server
//! handles every message, system request and stop that had arrived by the end of the first. Ticks that were missed meanwhile
//! are dropped: the next one is on the grid of the period, as with tokio's
//! [`MissedTickBehavior::Skip`](https://docs.rs/tokio/latest/tokio/time/enum.MissedTickBehavior.html).

use std::time::{Duration, Instant};

use super::handle::{stop_result, try_handle};
use super::sys::handle_request;
use super::{Context, Handle};
use crate::base::Exit;
#[cfg(feature = "upgrade")]
use crate::node::HookTimes;
use crate::process::Step;

/// The loop of a server with timed hooks.
///
/// # Errors
/// The reason to end: an error of a handler or a hook, or the reason of a stop unless that is `Normal`.
pub(super) async fn serve_timed<A: Handle + Send>(actor: &mut A, cx: &mut Context<A>) -> Result<(), Exit> {
    let mut hooks = TimedHooks::new::<A>(cx.now());
    #[cfg(feature = "upgrade")]
    if let Some(left) = cx.cell().take_continued_hooks(cx.pid().number()) {
        hooks.continue_at(cx.now(), left);
    }
    let mut is_idle = false;
    // The count of the messages that had arrived by the end of the last hook.
    let mut arrived = 0;
    loop {
        let hook = if std::mem::take(&mut is_idle) {
            Some(Hook::Idle)
        } else if cx.mailbox().has_read(arrived) {
            hooks.due(cx.now()).map(Hook::Every)
        } else {
            None
        };
        match hook {
            Some(Hook::Idle) => actor.idle(cx).await?,
            Some(Hook::Every(index)) => {
                actor.every(cx, index).await?;
                hooks.skip_missed(index, cx.now(), A::EVERY);
            }
            None => {}
        }
        if hook.is_some() {
            arrived = cx.mailbox().arrived();
        }
        // After each hook one step at least, which also returns stops and system requests. Hooks that compute without end
        // let other tasks run: the step's timer does not fire before the runtime has had the thread.
        match cx.mailbox().step_until(hooks.next()).await {
            Some(Step::Message(message)) => {
                if let Some(message) = try_handle(actor, cx, message)? {
                    actor.handle(cx, message).await?;
                }
                hooks.restart_idle(cx.now(), A::IDLE);
            }
            Some(Step::SystemRequest(request)) => {
                if let Some(reason) = handle_request(actor, cx, A::STATE, Some(&hooks), request).await {
                    return stop_result(reason);
                }
            }
            Some(Step::Stop(reason)) => return stop_result(reason),
            None => {
                // Nothing waits. A message that was withdrawn is counted as arrived and never read.
                arrived = 0;
                is_idle = hooks.take_idle(cx.now());
            }
        }
    }
}

/// A hook that is due.
#[derive(Clone, Copy)]
enum Hook {
    Idle,
    /// The `#[every]` with this index.
    Every(usize),
}

/// The times at which a server's hooks run.
pub(in crate::actor) struct TimedHooks {
    /// The next tick of each `#[every]`.
    ticks: Vec<Instant>,
    /// When `#[idle]` runs unless a message comes first.
    idle: Option<Instant>,
}

impl TimedHooks {
    fn new<A: Handle>(now: Instant) -> TimedHooks {
        let ticks = A::EVERY.iter().map(|period| now + *period).collect();
        TimedHooks { ticks, idle: A::IDLE.map(|idle| now + idle) }
    }

    /// Returns the time until each hook runs.
    #[cfg(feature = "upgrade")]
    pub(in crate::actor) fn left(&self, now: Instant) -> HookTimes {
        let left = |at: &Instant| at.saturating_duration_since(now);
        HookTimes { every: self.ticks.iter().map(left).collect(), idle: self.idle.as_ref().map(left) }
    }

    /// Continues the times of a process that was handed over. A release with other hooks starts those anew.
    #[cfg(feature = "upgrade")]
    fn continue_at(&mut self, now: Instant, left: HookTimes) {
        for (tick, left) in self.ticks.iter_mut().zip(left.every) {
            *tick = (*tick).min(now + left);
        }
        if let (Some(idle), Some(left)) = (&mut self.idle, left.idle) {
            *idle = (*idle).min(now + left);
        }
    }

    /// The hook whose tick has been due for the longest time.
    fn due(&self, now: Instant) -> Option<usize> {
        let index = (0..self.ticks.len()).min_by_key(|&index| self.ticks[index])?;
        (self.ticks[index] <= now).then_some(index)
    }

    /// Sets the hook's next tick: the first one of its grid after `now`.
    fn skip_missed(&mut self, index: usize, now: Instant, periods: &[Duration]) {
        let (tick, period) = (self.ticks[index], periods[index]);
        let late = now.saturating_duration_since(tick).as_nanos().checked_rem(period.as_nanos()).unwrap_or(0);
        let late = Duration::from_nanos(u64::try_from(late).unwrap_or(0));
        self.ticks[index] = now.max(tick) + (period - late);
    }

    /// When a hook runs next.
    fn next(&self) -> Option<Instant> {
        self.ticks.iter().copied().chain(self.idle).min()
    }

    /// Starts the time without messages anew.
    fn restart_idle(&mut self, now: Instant, idle: Option<Duration>) {
        self.idle = idle.map(|idle| now + idle);
    }

    /// Returns whether `#[idle]` is due. It runs once until the next message.
    fn take_idle(&mut self, now: Instant) -> bool {
        self.idle.take_if(|idle| *idle <= now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_tick_is_on_the_grid_after_now() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        // A tick at 1 s of a hook with a period of 1 s that ended at the given time, and the next tick.
        for (ended, next) in
            [(1_000, 2_000), (1_001, 2_000), (1_999, 2_000), (2_000, 3_000), (2_500, 3_000), (9_900, 10_000)]
        {
            let mut hooks = TimedHooks { ticks: vec![at(1_000)], idle: None };
            hooks.skip_missed(0, at(ended), &[Duration::from_secs(1)]);
            assert_eq!(hooks.ticks, [at(next)], "ended at {ended}");
        }
    }

    #[test]
    fn the_tick_that_waits_longest_is_first() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let hooks = TimedHooks { ticks: vec![at(30), at(10), at(20)], idle: Some(at(5)) };
        assert_eq!((hooks.due(at(9)), hooks.due(at(10)), hooks.due(at(40))), (None, Some(1), Some(1)));
        assert_eq!(hooks.next(), Some(at(5)));
    }
}
