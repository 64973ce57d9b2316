//! An actor that is held while its node is upgraded, and written down for the successor.

use std::any::Any;
use std::future::pending;

use crate::actor::Context;
use crate::actor::hook_times::TimedHooks;
use crate::actor::process::HasContext;
use crate::base::Exit;
use crate::node::{HoldRequest, OwnPart};
use crate::process::HoldEnd;

/// Executes a request of an upgrade. If the process is held, returns when it is released, or with the exit reason when it is
/// stopped. A process whose successor serves ends without its `terminate`.
pub(in crate::actor) async fn hold<A: HasContext + Send>(
    actor: &mut A,
    cx: &mut Context<A>,
    request: HoldRequest,
    hooks: Option<&TimedHooks>,
    is_suspended: bool,
) -> Option<Exit> {
    // The other requests are for a process that is held.
    let HoldRequest::Hold { held, .. } = request else { return None };
    let portability = (const { A::OPTIONS.portability })?;
    let node = cx.node().clone();
    let end = cx.mailbox().hold(held, |mailbox| {
        // An exclusive reference: the actor need not be `Sync`.
        let actor = &mut *actor;
        let (state, calls) = portability.hand_over(&node, &*actor as &dyn Any)?;
        Ok(OwnPart {
            state,
            calls,
            messages: mailbox.record_messages()?,
            timers: mailbox.record_timers()?,
            hooks: hooks.map(|hooks| hooks.left(node.clock().now())).unwrap_or_default(),
            is_suspended,
            path: None,
        })
    });
    match end.await {
        HoldEnd::Released => None,
        HoldEnd::Stopped(reason) if node.has_successor() => {
            cx.cell().exit_now(cx.pid().number(), reason);
            pending().await
        }
        HoldEnd::Stopped(reason) => Some(reason),
    }
}
