//! Somebody who looks: a process that writes server-sent events until nobody reads them any more.

use std::time::Duration;

use axum::response::sse::Event;
use greenroom::{Tracing, prelude::*};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use crate::{Query, WatcherRef};

/// So many may look at once.
pub const MOST_CLIENTS: usize = 32;
/// A browser that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two views: at most, and at least, however much happens.
const USUAL: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(100);

/// Somebody who looks, as the watcher knows it.
#[protocol]
pub enum Reader {
    /// Something has happened.
    News,
}

/// Writes to one browser or terminal.
#[actor(protocol = Reader, mailbox = 16, overflow = drop_newest)]
pub(crate) struct Client {
    pub(crate) wants: Wants,
    /// Holds one event: whoever is slow gets fewer, and no old ones.
    pub(crate) out: mpsc::Sender<Event>,
    /// Its place among all who look.
    pub(crate) _place: OwnedSemaphorePermit,
}

/// What it writes.
pub(crate) enum Wants {
    /// A view a second, and one as soon as something has happened.
    Views(WatcherRef, Query),
    /// One process's messages.
    Trace(Tracing),
}

impl Process for Client {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let out = &self.out;
        match &mut self.wants {
            Wants::Views(watcher, query) => {
                // Without a watcher there is nothing to see: the browser asks again. One that has no room for a
                // reader still shows itself once a second.
                if watcher.follow(cx.me()).await.is_err() {
                    return Ok(());
                }
                while let Ok(view) = watcher.look(query.clone()).await {
                    if !send(out, "view", &view).await {
                        break;
                    }
                    tokio::time::sleep(SHORTEST).await;
                    receive!(match cx {
                        Reader::News => {}
                        after!(USUAL - SHORTEST) => {}
                    });
                    // Of all that has happened by now there is one view.
                    while receive!(match cx {
                        Reader::News => true,
                        after!(Duration::ZERO) => false,
                    }) {}
                }
            }
            Wants::Trace(tracing) => loop {
                let event = tokio::select! {
                    event = tracing.next() => event,
                    () = out.closed() => break,
                };
                match event {
                    Some(event) if send(out, "step", &event).await => {}
                    Some(_) => break,
                    None => {
                        send(out, "over", &()).await;
                        break;
                    }
                }
            },
        }
        Ok(())
    }
}

/// Whether somebody took it.
async fn send(out: &mpsc::Sender<Event>, name: &str, data: &impl Serialize) -> bool {
    let Ok(event) = Event::default().event(name).json_data(data) else { return false };
    matches!(timeout(PATIENCE, out.send(event)).await, Ok(Ok(())))
}
