//! The process of one connected browser, which writes server-sent events to it.

use std::time::Duration;

use axum::response::sse;
use greenroom::{RemoteTracing, prelude::*};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use crate::watch::{MAX_SUBSCRIBERS, ObserverRef, Overview, Query, Subscriber, View};

/// The maximum number of clients.
pub const MAX_CLIENTS: usize = MAX_SUBSCRIBERS / 2;
/// The time limit for a write to a client.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The time between two views: the usual one, and the minimum when events occur.
const VIEW_PERIOD: Duration = Duration::from_secs(1);
const MIN_VIEW_PERIOD: Duration = Duration::from_millis(100);
/// The time limit for a view of a node, which takes several questions to the node.
const VIEW_LIMIT: Duration = Duration::from_secs(15);

/// Writes to one browser.
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
    /// One page a second, and one after each event.
    Pages(ObserverRef, Query),
    /// The messages of one process.
    Trace(RemoteTracing),
}

/// The content of the page: all nodes, and one of them in detail.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    overview: Overview,
    /// `None` if no node is connected.
    view: Option<View>,
}

impl Page {
    /// Requests the content from the observer.
    pub(crate) async fn get(observer: &ObserverRef, query: Query) -> Result<Page, CallError> {
        let overview = observer.overview(true).await?;
        let view = match observer.watcher(query.node.clone()).await? {
            // A watcher that has ended is started again for the next view.
            Some(watcher) => watcher.view(query).within(VIEW_LIMIT).await.ok(),
            None => None,
        };
        Ok(Page { overview, view })
    }
}

impl Process for Client {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let out = &self.out;
        match &mut self.content {
            Content::Pages(observer, query) => {
                // Without an observer there are no views, and the browser connects again. If the observer has no room
                // for a subscriber, the views still come once a second.
                if observer.subscribe(cx.me()).await.is_err() {
                    return Ok(());
                }
                while let Ok(page) = Page::get(observer, query.clone()).await {
                    if !send(out, "page", &page).await {
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
                    Ok(Some(event)) if send(out, "step", &event).await => {}
                    Ok(Some(_)) => break,
                    Ok(None) | Err(_) => {
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
