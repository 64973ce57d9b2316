//! The messages of a node to the service manager of the operating system, as systemd's
//! [`sd_notify`](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html) defines them.
//!
//! | message | sent |
//! |---|---|
//! | `READY=1` | when the program announces it; in a successor once it serves; after an upgrade that has failed |
//! | `WATCHDOG=1` | from then on, twice in the time of the watchdog, if the service manager has one |
//! | `RELOADING=1` | when an upgrade begins |
//! | `STOPPING=1` | when the stop of the node begins, unless a successor serves |
//!
//! Invariants:
//! - A node that the program has not announced sends nothing: of several nodes in a program, one is announced.
//! - Only the process that serves sends. A predecessor and its successor do not contradict each other.
//!
//! A message that cannot be sent is logged, and the node serves on. Without a service manager nothing is sent.

use sd_notify::NotifyState;

use super::NodePhase;
use crate::log;
use crate::node::Node;
use crate::sync::atomic::{AtomicBool, Ordering};

/// Set once the program has announced the node.
#[derive(Default)]
pub(in crate::node) struct Announced(AtomicBool);

#[cfg(all(feature = "systemd", unix))]
impl Node {
    /// Announces to the service manager of the operating system that this program is ready. systemd waits for that if the
    /// unit has `Type=notify` or `Type=notify-reload`.
    ///
    /// From then on the node also announces these:
    /// - its stop, by `STOPPING=1`;
    /// - with `WatchdogSec=` in the unit, that its threads make progress, by `WATCHDOG=1` twice in that time. The message
    ///   comes from a task on the threads of the processes. If all of them are blocked, systemd restarts the program;
    /// - [upgrades](https://docs.rs/greenroom/latest/greenroom/struct.Node.html#method.upgrade), by `RELOADING=1`, and
    ///   `READY=1` when the successor serves or the upgrade has failed. The successor announces itself in the same way.
    ///
    /// Call it when the program serves, for example after the start of its applications. A second call has no effect.
    /// Without a service manager, which sets `NOTIFY_SOCKET`, the function has no effect, as on other systems than Unix.
    /// Needs the feature `systemd`.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use greenroom::Application;
    /// # #[supervisor]
    /// # struct ShopTree {}
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// let shop = Application::new("shop", ShopTree {}).permanent().start().await?;
    /// Node::current().announce_ready();
    /// # shop.stop().await;
    /// shop.join().await
    /// # }
    /// ```
    pub fn announce_ready(&self) {
        if self.inner.announced.0.swap(true, Ordering::AcqRel) {
            return;
        }
        let is_serving = self.is_own_turn();
        if is_serving {
            send(&[NotifyState::Ready]);
        }
        let node = self.clone();
        self.spawner().spawn(async move {
            if !is_serving {
                node.own_turn().await;
                send(&[NotifyState::Ready]);
            }
            node.report_progress().await;
        });
    }

    /// Sends the service manager's watchdog a message now and then, as long as the node runs.
    async fn report_progress(&self) {
        let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else { return };
        while self.phase() == NodePhase::Running {
            // A predecessor waits here until its process ends.
            self.own_turn().await;
            send(&[NotifyState::Watchdog]);
            self.clock().sleep_until(self.clock().now() + limit / 2).await;
        }
    }

    /// Announces the stop of the node.
    pub(super) fn announce_stop(&self) {
        if self.is_announced() && self.is_own_turn() {
            send(&[NotifyState::Stopping]);
        }
    }

    /// Announces the begin of an upgrade.
    #[cfg(feature = "upgrade")]
    pub(crate) fn announce_upgrade(&self) {
        if self.is_announced() {
            // systemd requires the time, to connect the message with its request.
            let time = NotifyState::monotonic_usec_now();
            send(&[NotifyState::Reloading, time.unwrap_or(NotifyState::MonotonicUsec(0))]);
        }
    }

    /// Announces the end of an upgrade that has failed.
    #[cfg(feature = "upgrade")]
    pub(crate) fn announce_failed_upgrade(&self) {
        if self.is_announced() && !self.services().is_closed() {
            send(&[NotifyState::Ready]);
        }
    }

    fn is_announced(&self) -> bool {
        self.inner.announced.0.load(Ordering::Acquire)
    }
}

/// Sends a message to the service manager, if there is one.
fn send(message: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(message) {
        let message = format!("{message:?}");
        log::warn!(
            target: "greenroom", error = %log::Escaped(&error), message = %log::Escaped(message),
            "the service manager did not receive a message of this program"
        );
    }
}
