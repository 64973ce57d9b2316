//! The web server process: serves the page, a view as JSON, and streams of views and of messages.
//!
//! | | |
//! |---|---|
//! | `/`, `/style.css`, `/*.js` | the page |
//! | `/page?node=&sort=&filter=&process=` | an [`Overview`](crate::Overview) and a [`View`](crate::View) |
//! | `/events?…` | both every second, as server-sent events `page` |
//! | `/trace/NODE/NUMBER` | one process's messages, as events `step`, until `end` |
//! | `POST /act/NODE/NUMBER/ACTION` | an [`Action`] on one process; its result as text |
//! | `/metrics` | metrics of the observer's node for Prometheus |

mod client;
mod guard;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, Query as UrlQuery, Request, State};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::poll_fn;
use greenroom::{Trace, prelude::*};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use crate::watch::{Action, ObserverRef, Query};
pub use client::MAX_CLIENTS;
use client::{Client, Content, Page};
pub use guard::is_address;

/// The limits of a trace; the page can start another one.
const TRACE: Trace = Trace { steps: 500, duration: Duration::from_secs(120) };

/// The messages to the web server.
#[protocol(local)]
pub enum WebMessage {
    /// A request to stop.
    #[from]
    Exit(ExitSignal),
}

/// The time limit of an action: the watcher may be in the middle of a view.
const ACT_LIMIT: Duration = Duration::from_secs(15);

/// Serves the page.
#[actor(protocol = WebMessage, trap_exit)]
pub struct Web {
    address: SocketAddr,
    listener: Option<TcpListener>,
}

impl Web {
    /// Creates a web server at this address.
    pub fn at(address: SocketAddr) -> Web {
        Web { address, listener: None }
    }
}

impl Process for Web {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        let listening = TcpListener::bind(self.address).await;
        let failed = |error| Exit::error(format!("cannot listen at {}: {error}", self.address));
        self.listener = Some(listening.map_err(failed)?);
        Ok(())
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let listener = self.listener.take().ok_or_else(|| Exit::error("`init` has not run"))?;
        let state = AppState::new(cx.node().clone(), listener.local_addr()?.port());
        let server = axum::serve(listener, router(state));
        tokio::select! {
            served = server.into_future() => Ok(served?),
            WebMessage::Exit(signal) = cx.receive() => Err(signal.reason),
        }
    }
}

/// The state of the HTTP handlers.
struct AppState {
    node: Node,
    port: u16,
    observer: ObserverRef,
    permits: Arc<Semaphore>,
}

impl AppState {
    fn new(node: Node, port: u16) -> AppState {
        let permits = Arc::new(Semaphore::new(MAX_CLIENTS));
        AppState { observer: node.named("observer"), node, port, permits }
    }

    /// Starts a stream for another client, unless there are too many.
    fn stream(&self, content: Content) -> Response {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return (StatusCode::SERVICE_UNAVAILABLE, "too many clients\n").into_response();
        };
        let (out, mut events) = mpsc::channel(1);
        self.node.spawn(Client { content, out, _permit: permit });
        let events =
            poll_fn(move |cx| events.poll_recv(cx).map(|event| event.map(Ok::<Event, std::convert::Infallible>)));
        Sse::new(events).keep_alive(KeepAlive::default()).into_response()
    }
}

/// The files of the page.
const FILES: [(&str, &str, &str); 8] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/style.css", "text/css", include_str!("page/style.css")),
    ("/page.js", "text/javascript", include_str!("page/page.js")),
    ("/elements.js", "text/javascript", include_str!("page/elements.js")),
    ("/nodes.js", "text/javascript", include_str!("page/nodes.js")),
    ("/graph.js", "text/javascript", include_str!("page/graph.js")),
    ("/timeline.js", "text/javascript", include_str!("page/timeline.js")),
    ("/processes.js", "text/javascript", include_str!("page/processes.js")),
];

fn router(state: AppState) -> Router {
    let state = Arc::new(state);
    let files = FILES.iter().fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(async move || ([(header::CONTENT_TYPE, *kind)], *text)))
    });
    files
        .route("/page", get(page))
        .route("/events", get(events))
        .route("/trace/{node}/{number}", get(trace))
        .route("/act/{node}/{number}/{action}", post(act))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(Arc::clone(&state), check_request))
        .with_state(state)
}

/// The response headers: the page loads nothing from elsewhere and is not shown in a frame.
const POLICY: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
];

async fn check_request(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let (is_post, path) = (request.method() == Method::POST, request.uri().path());
    if guard::is_allowed(request.headers(), is_post, path, state.port) {
        (POLICY, next.run(request).await).into_response()
    } else {
        (StatusCode::FORBIDDEN, "the request is not from this server's page\n").into_response()
    }
}

async fn page(State(state): State<Arc<AppState>>, UrlQuery(query): UrlQuery<Query>) -> Response {
    match Page::get(&state.observer, query).await {
        Ok(page) => Json(page).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("no page: {error}\n")).into_response(),
    }
}

async fn events(State(state): State<Arc<AppState>>, UrlQuery(query): UrlQuery<Query>) -> Response {
    state.stream(Content::Pages(state.observer.clone(), query))
}

async fn trace(State(state): State<Arc<AppState>>, Path((node, number)): Path<(String, u64)>) -> Response {
    let found = match state.observer.watcher(node.clone()).await {
        Ok(Some(watcher)) => watcher.find(number).await.ok().flatten(),
        Ok(None) | Err(_) => None,
    };
    let Some(pid) = found else { return (StatusCode::NOT_FOUND, "the process does not exist\n").into_response() };
    match state.node.inspect(node).trace(&pid, TRACE).await {
        Ok(tracing) => state.stream(Content::Trace(tracing)),
        Err(error) => (StatusCode::NOT_FOUND, format!("no trace: {error}\n")).into_response(),
    }
}

async fn act(
    State(state): State<Arc<AppState>>,
    Path((node, number, action)): Path<(String, u64, Action)>,
) -> Response {
    let done = match state.observer.watcher(node).await {
        Ok(Some(watcher)) => watcher.act(number, action).within(ACT_LIMIT).await,
        Ok(None) => Ok(Err("no such node".to_owned())),
        Err(error) => Err(error),
    };
    match done {
        Ok(Ok(text)) => text.into_response(),
        Ok(Err(reason)) => (StatusCode::CONFLICT, reason).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

async fn metrics(State(state): State<Arc<AppState>>) -> String {
    state.node.metrics().to_prometheus()
}
