//! The web server process: serves the page, a view as JSON, and streams of views and of messages.
//!
//! | | |
//! |---|---|
//! | `/` | the page |
//! | `/view?sort=&filter=&process=` | a [`View`](crate::View) |
//! | `/events?…` | a view every second, as server-sent events `view` |
//! | `/trace/NUMBER` | one process's messages, as events `step`, until `end` |
//! | `/metrics` | metrics for Prometheus |

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, Query as UrlQuery, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::poll_fn;
use greenroom::{Trace, prelude::*};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use crate::client::{Client, Content, MAX_CLIENTS};
use crate::{Query, WatcherRef, guard};

/// The limits of a trace; the page can start another one.
const TRACE: Trace = Trace { steps: 500, duration: Duration::from_secs(120) };

/// The messages to the web server.
#[protocol(local)]
pub enum WebMessage {
    /// A request to stop.
    #[from]
    Exit(ExitSignal),
}

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
    watcher: WatcherRef,
    permits: Arc<Semaphore>,
}

impl AppState {
    fn new(node: Node, port: u16) -> AppState {
        let permits = Arc::new(Semaphore::new(MAX_CLIENTS));
        AppState { watcher: node.named("observer"), node, port, permits }
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

fn router(state: AppState) -> Router {
    let state = Arc::new(state);
    Router::new()
        .route("/", get(page))
        .route("/view", get(view))
        .route("/events", get(events))
        .route("/trace/{number}", get(trace))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(Arc::clone(&state), check_request))
        .with_state(state)
}

/// The response headers: the page loads no other resources and is not shown in a frame.
const POLICY: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
];

async fn check_request(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    if guard::is_allowed(request.headers(), request.uri().path(), state.port) {
        (POLICY, next.run(request).await).into_response()
    } else {
        (StatusCode::FORBIDDEN, "the request is not from this server's page\n").into_response()
    }
}

async fn page() -> Html<&'static str> {
    Html(include_str!("page.html"))
}

async fn view(State(state): State<Arc<AppState>>, UrlQuery(query): UrlQuery<Query>) -> Response {
    match state.watcher.view(query).await {
        Ok(view) => Json(view).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("no view: {error}\n")).into_response(),
    }
}

async fn events(State(state): State<Arc<AppState>>, UrlQuery(query): UrlQuery<Query>) -> Response {
    state.stream(Content::Views(state.watcher.clone(), query))
}

async fn trace(State(state): State<Arc<AppState>>, Path(number): Path<u64>) -> Response {
    let pid = state.node.processes().into_iter().find(|pid| pid.number() == number);
    match pid.and_then(|pid| state.node.trace(&pid, TRACE)) {
        Some(tracing) => state.stream(Content::Trace(tracing)),
        None => (StatusCode::NOT_FOUND, "the process does not exist\n").into_response(),
    }
}

async fn metrics(State(state): State<Arc<AppState>>) -> String {
    state.node.metrics().to_prometheus()
}
