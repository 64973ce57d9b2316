//! The web: the page, a view as JSON, and two kinds of streams.
//!
//! | | |
//! |---|---|
//! | `/` | the page |
//! | `/view?sort=&filter=&process=` | a [`View`](crate::View) |
//! | `/events?…` | the same again every second, as server-sent events `view` |
//! | `/trace/NUMBER` | one process's messages, as events `step`, until `over` |
//! | `/metrics` | figures for Prometheus |

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, Query as Asked, Request, State};
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

use crate::client::{Client, MOST_CLIENTS, Wants};
use crate::{Query, WatcherRef, guard};

/// What the page shows of one process's messages, unless it is opened again.
const TRACE: Trace = Trace { steps: 500, duration: Duration::from_secs(120) };

/// What the web server understands: only that it is time to stop.
#[protocol(local)]
pub enum WebMessage {
    /// It is time to stop.
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
    /// A page at this address.
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
        let listener = self.listener.take().ok_or_else(|| Exit::error("init has not run"))?;
        let house = House::new(cx.node().clone(), listener.local_addr()?.port());
        let server = axum::serve(listener, router(house));
        tokio::select! {
            served = server.into_future() => Ok(served?),
            WebMessage::Exit(signal) = cx.receive() => Err(signal.reason),
        }
    }
}

/// What the handlers know.
struct House {
    node: Node,
    port: u16,
    watcher: WatcherRef,
    places: Arc<Semaphore>,
}

impl House {
    fn new(node: Node, port: u16) -> House {
        let places = Arc::new(Semaphore::new(MOST_CLIENTS));
        House { watcher: node.named("observer"), node, port, places }
    }

    /// A stream for one more who looks, if there is room.
    fn stream(&self, wants: Wants) -> Response {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return (StatusCode::SERVICE_UNAVAILABLE, "too many look already\n").into_response();
        };
        let (out, mut events) = mpsc::channel(1);
        self.node.spawn(Client { wants, out, _place: place });
        let events =
            poll_fn(move |cx| events.poll_recv(cx).map(|event| event.map(Ok::<Event, std::convert::Infallible>)));
        Sse::new(events).keep_alive(KeepAlive::default()).into_response()
    }
}

fn router(house: House) -> Router {
    let house = Arc::new(house);
    Router::new()
        .route("/", get(page))
        .route("/view", get(view))
        .route("/events", get(events))
        .route("/trace/{number}", get(trace))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(Arc::clone(&house), guarded))
        .with_state(house)
}

/// The page loads nothing from elsewhere and is shown in no frame.
const POLICY: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
];

async fn guarded(State(house): State<Arc<House>>, request: Request, next: Next) -> Response {
    if guard::is_ours(request.headers(), request.uri().path(), house.port) {
        (POLICY, next.run(request).await).into_response()
    } else {
        (StatusCode::FORBIDDEN, "only what comes from here is answered\n").into_response()
    }
}

async fn page() -> Html<&'static str> {
    Html(include_str!("page.html"))
}

async fn view(State(house): State<Arc<House>>, Asked(query): Asked<Query>) -> Response {
    match house.watcher.look(query).await {
        Ok(view) => Json(view).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("nobody looks: {error}\n")).into_response(),
    }
}

async fn events(State(house): State<Arc<House>>, Asked(query): Asked<Query>) -> Response {
    house.stream(Wants::Views(house.watcher.clone(), query))
}

async fn trace(State(house): State<Arc<House>>, Path(number): Path<u64>) -> Response {
    let pid = house.node.processes().into_iter().find(|pid| pid.number() == number);
    match pid.and_then(|pid| house.node.trace(&pid, TRACE)) {
        Some(tracing) => house.stream(Wants::Trace(tracing)),
        None => (StatusCode::NOT_FOUND, "there is no such process\n").into_response(),
    }
}

async fn metrics(State(house): State<Arc<House>>) -> String {
    house.node.metrics().to_prometheus()
}
