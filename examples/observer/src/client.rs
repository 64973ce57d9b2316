//! The process of one connected browser or terminal, which writes server-sent events to it.

use std::time::Duration;

use axum::response::sse;
use greenroom::{Tracing, prelude::*};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use crate::{Query, WatcherRef};

/// The maximum number of clients.
pub const MAX_CLIENTS: usize = 32;
/// The time limit for a write to a client.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The time between two views: the usual one, and the minimum when events occur.
const VIEW_PERIOD: Duration = Duration::from_secs(1);
const MIN_VIEW_PERIOD: Duration = Duration::from_millis(100);

/// The messages to a subscriber of the watcher.
#[protocol]
pub enum Subscriber {
    /// A lifecycle event or an alarm occurred.
    Event,
}

/// Writes to one browser or terminal.
#[actor(protocol = Subscriber, mailbox = 16, overflow = drop_newest)]
pub(crate) struct Client {
    pub(crate) content: Content,
    /// A channel with room for one event: a slow client receives fewer events, not old ones.
    pub(crate) out: mpsc::Sender<sse::Event>,
    /// The permit that counts this client towards [`MAX_CLIENTS`].
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// The content of a client's stream.
pub(crate) enum Content {
    /// One view a second, and one after each event.
    Views(WatcherRef, Query),
    /// The messages of one process.
    Trace(Tracing),
}

impl Process for Client {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let out = &self.out;
        match &mut self.content {
            Content::Views(watcher, query) => {
                // Without a watcher there are no views, and the browser connects again. If the watcher has no room
                // for a subscriber, the views still come once a second.
                if watcher.subscribe(cx.me()).await.is_err() {
                    return Ok(());
                }
                while let Ok(view) = watcher.view(query.clone()).await {
                    if !send(out, "view", &view).await {
                        break;
                    }
                    tokio::time::sleep(MIN_VIEW_PERIOD).await;
                    receive!(match cx {
                        Subscriber::Event => {}
                        after!(VIEW_PERIOD - MIN_VIEW_PERIOD) => {}
                    });
                    // One view covers all events so far.
                    while receive!(match cx {
                        Subscriber::Event => true,
                        after!(Duration::ZERO) => false,
                    }) {}
                }
            }
            Content::Trace(tracing) => loop {
                let event = tokio::select! {
                    event = tracing.next() => event,
                    () = out.closed() => break,
                };
                match event {
                    Some(event) if send(out, "step", &event).await => {}
                    Some(_) => break,
                    None => {
                        send(out, "end", &()).await;
                        break;
                    }
                }
            },
        }
        Ok(())
    }
}

/// Writes an event. Returns false if the client does not read.
async fn send(out: &mpsc::Sender<sse::Event>, name: &str, data: &impl Serialize) -> bool {
    let Ok(event) = sse::Event::default().event(name).json_data(data) else { return false };
    matches!(timeout(WRITE_TIMEOUT, out.send(event)).await, Ok(Ok(())))
}
