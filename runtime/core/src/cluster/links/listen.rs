//! The task that accepts connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::connector::{Connector, Purpose};
use super::refused;
use crate::cluster::closing::ClosingPart;
use crate::log;
use crate::net::{BoxedListener, BoxedStream, Handshakes, Listener};
use crate::observe::ReportKind;
use crate::session::Role;

/// The pause after an error of the operating system in place of a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Connector {
    /// Accepts connections until the node stops.
    pub(in crate::cluster) async fn listen(self, mut listener: BoxedListener, closing: ClosingPart) {
        let handshakes = Handshakes::new(self.cluster.limits.handshakes, Arc::clone(self.node.clock()));
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = self.accept(&mut *listener) => accepted,
                () = closing.begun() => return,
            };
            match accepted {
                Ok((stream, from)) => {
                    let (permit, dropped) = handshakes.acquire(&from);
                    let links = self.clone();
                    let closing = closing.clone();
                    self.node.spawner().spawn(async move {
                        tokio::select! {
                            // A connection that came up in this poll is not dropped.
                            biased;
                            () = dropped => {
                                refused::stranger(&links.node, &from, &"too many handshakes at once");
                            }
                            ended = links.run(stream, Purpose::Accept, Some(permit), closing, None) => {
                                links.report(Role::Listener, &from, &ended);
                            }
                        }
                    });
                }
                Err(error) => {
                    // The program has too many open files, most likely. The peer dials again, and so does this loop.
                    self.node.report(ReportKind::AcceptFailed, || {
                        log::warn!(target: "greenroom", error = %log::Escaped(&error), "cannot accept a connection");
                    });
                    let pause = self.node.clock().sleep_until(self.node.clock().now() + ACCEPT_PAUSE);
                    pause.await;
                }
            }
        }
    }

    /// Returns the next connection while it is the turn of this process.
    async fn accept(&self, listener: &mut dyn Listener) -> io::Result<(BoxedStream, String)> {
        loop {
            self.node.own_turn().await;
            tokio::select! {
                biased;
                accepted = listener.accept() => return accepted,
                () = self.node.turn_lost() => {}
            }
        }
    }
}
