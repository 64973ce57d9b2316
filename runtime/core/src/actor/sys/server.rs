//! The server's side of system requests.

use std::any::Any;
use std::fmt;
use std::future::pending;

use crate::actor::Context;
use crate::actor::hook_times::TimedHooks;
#[cfg(feature = "net")]
use crate::actor::portable::hand_over;
#[cfg(feature = "upgrade")]
use crate::actor::portable::hold;
use crate::actor::process::HasContext;
use crate::base::Exit;
#[cfg(feature = "registry")]
use crate::node::{Finish, TakeState};
use crate::process::{SuspendedEvent, SystemRequest};

/// A function that formats a server's state.
pub type StateFn<A> = fn(&A, &mut fmt::Formatter<'_>) -> fmt::Result;

/// Handles a system request. If that suspends the server, returns when it is resumed, or with the exit reason when it is
/// stopped. `hooks` are the timed hooks of a server that has any.
pub(in crate::actor) async fn handle_request<A: HasContext + Send>(
    actor: &mut A,
    cx: &mut Context<A>,
    format: Option<StateFn<A>>,
    hooks: Option<&TimedHooks>,
    request: SystemRequest,
) -> Option<Exit> {
    #[cfg(not(feature = "upgrade"))]
    let _ = hooks;
    let request = match request {
        #[cfg(feature = "registry")]
        SystemRequest::Finish(request) => return finish(actor, cx, request).await,
        #[cfg(feature = "upgrade")]
        SystemRequest::Hold(request) => return hold(actor, cx, request, hooks, false).await,
        other => other,
    };
    if !answer(actor, cx, format, request, false) {
        if cx.mailbox().cell().is_exiting() {
            // The state was handed over: no code of the process runs any more.
            pending::<()>().await;
        }
        return None;
    }
    cx.mailbox().set_suspended(true);
    #[cfg(feature = "registry")]
    let mut postponed = None;
    let reason = loop {
        match cx.mailbox().next_while_suspended().await {
            SuspendedEvent::Stop(reason) => break Some(reason),
            // Its messages stay in the mailbox until it is resumed.
            #[cfg(feature = "registry")]
            SuspendedEvent::SystemRequest(SystemRequest::Finish(request)) => postponed = Some(request),
            #[cfg(feature = "upgrade")]
            SuspendedEvent::SystemRequest(SystemRequest::Hold(request)) => {
                if let Some(reason) = hold(actor, cx, request, hooks, true).await {
                    break Some(reason);
                }
            }
            SuspendedEvent::SystemRequest(request) => {
                if !answer(actor, cx, format, request, true) {
                    break None;
                }
            }
        }
    };
    cx.mailbox().set_suspended(false);
    #[cfg(feature = "registry")]
    if let Some(request) = postponed.filter(|request| request.insists) {
        cx.request_finish(request);
    }
    reason
}

/// Ends the server if its mailbox is empty. Returns the exit reason then.
#[cfg(feature = "registry")]
async fn finish<A: HasContext>(actor: &mut A, cx: &mut Context<A>, request: Finish) -> Option<Exit> {
    if !cx.mailbox().close_if_empty() {
        if request.insists {
            // After the messages that have come meanwhile.
            cx.request_finish(request);
        }
        return None;
    }
    if let Some(answer) = request.state {
        hand_over(actor, cx.mailbox(), TakeState { reason: request.reason.clone(), answer });
        if cx.mailbox().cell().is_exiting() {
            pending::<()>().await;
        }
    }
    Some(request.reason)
}

/// Answers a request. Returns whether the server is suspended from then on.
fn answer<A: HasContext>(
    actor: &mut A,
    cx: &mut Context<A>,
    format: Option<StateFn<A>>,
    request: SystemRequest,
    is_suspended: bool,
) -> bool {
    // A send fails if the future of the request was dropped.
    match request {
        SystemRequest::FormatState(sender) => {
            let text = format.map(|format| FormattedState(actor, format).to_string());
            let _ = sender.send(text.unwrap_or_default());
        }
        SystemRequest::WithState(f) => f(actor as &mut dyn Any),
        #[cfg(feature = "registry")]
        SystemRequest::Finish(_) => {}
        #[cfg(feature = "upgrade")]
        SystemRequest::Hold(_) => {}
        SystemRequest::Suspend(sender) => {
            let _ = sender.send(());
            return true;
        }
        SystemRequest::Resume(sender) => {
            let _ = sender.send(());
            return false;
        }
        #[cfg(feature = "net")]
        SystemRequest::TakeState(request) => hand_over(actor, cx.mailbox(), request),
    }
    is_suspended
}

struct FormattedState<'a, A>(&'a A, StateFn<A>);

impl<A> fmt::Display for FormattedState<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.1)(self.0, f)
    }
}
