//! The server's side of system requests.

use std::any::Any;
use std::fmt;

use crate::actor::process::HasContext;
use crate::actor::{Actor, Context};
use crate::base::Exit;
#[cfg(feature = "registry")]
use crate::process::Finish;
use crate::process::{SuspendedEvent, SystemRequest};

/// A function that formats a server's state.
pub type StateFn<A> = fn(&A, &mut fmt::Formatter<'_>) -> fmt::Result;

/// Handles a system request. If that suspends the server, returns when it is resumed, or with the exit reason when it is
/// stopped.
pub(in crate::actor) async fn handle_request<A: HasContext>(
    actor: &mut A,
    cx: &mut Context<A>,
    format: Option<StateFn<A>>,
    request: SystemRequest,
) -> Option<Exit> {
    #[cfg(feature = "registry")]
    if let SystemRequest::Finish(request) = request {
        return finish(cx, request);
    }
    if !answer(actor, format, request, false) {
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
            SuspendedEvent::SystemRequest(request) => {
                if !answer(actor, format, request, true) {
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
fn finish<A: HasContext>(cx: &mut Context<A>, request: Finish) -> Option<Exit> {
    if cx.mailbox().close_if_empty() {
        return Some(request.reason);
    }
    if request.insists {
        // After the messages that have come meanwhile.
        cx.request_finish(request);
    }
    None
}

/// Answers a request. Returns whether the server is suspended from then on.
fn answer<A: Actor>(actor: &mut A, format: Option<StateFn<A>>, request: SystemRequest, is_suspended: bool) -> bool {
    // A send fails if the future of the request was dropped.
    match request {
        SystemRequest::FormatState(sender) => {
            let text = format.map(|format| FormattedState(actor, format).to_string());
            let _ = sender.send(text.unwrap_or_default());
        }
        SystemRequest::WithState(f) => f(actor as &mut dyn Any),
        #[cfg(feature = "registry")]
        SystemRequest::Finish(_) => {}
        SystemRequest::Suspend(sender) => {
            let _ = sender.send(());
            return true;
        }
        SystemRequest::Resume(sender) => {
            let _ = sender.send(());
            return false;
        }
    }
    is_suspended
}

struct FormattedState<'a, A>(&'a A, StateFn<A>);

impl<A> fmt::Display for FormattedState<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.1)(self.0, f)
    }
}
