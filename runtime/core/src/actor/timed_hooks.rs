//! Servers with `#[every]` and `#[idle]`.
//!
//! A slow hook must not starve the rest of its server. Between two runs of hooks, of the same hook or of two, the server
//! handles every message, system request and stop that had arrived by the end of the first. Ticks that were missed meanwhile
//! are dropped: the next one is on the grid of the period, as with tokio's
//! [`MissedTickBehavior::Skip`](https://docs.rs/tokio/latest/tokio/time/enum.MissedTickBehavior.html).

use super::handle::{stop_result, try_handle};
use super::hook_times::TimedHooks;
use super::sys::handle_request;
use super::{Context, Handle};
use crate::base::Exit;
use crate::process::Step;

/// The loop of a server with timed hooks.
///
/// # Errors
/// The reason to end: an error of a handler or a hook, or the reason of a stop unless that is `Normal`.
pub(super) async fn serve_timed<A: Handle + Send>(actor: &mut A, cx: &mut Context<A>) -> Result<(), Exit> {
    let mut hooks = TimedHooks::new(A::EVERY, A::IDLE, cx.now());
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
                    match cx.mailbox().take_handling() {
                        None => actor.handle(cx, message).await?,
                        Some(handling) => handling.run(actor.handle(cx, message)).await?,
                    }
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
