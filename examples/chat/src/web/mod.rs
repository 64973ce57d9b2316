//! The web server process: serves the page, and a websocket for each browser.
//!
//! The HTTP handlers run outside of any process, so they use an explicit node. A websocket is passed to a new
//! [`Session`], which is a process.
//!
//! Bounds: so many requests and so many websockets at a time, and a request whose headers do not arrive within some
//! seconds ends.

mod browser;
mod files;
mod guard;

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use greenroom::Listener;
use greenroom::prelude::*;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use crate::services::Services;
use crate::session::Session;
use browser::Browser;

/// The metadata of a node that has the address of its page.
pub(crate) const PAGE: &str = "page";
/// The maximum number of websockets, and of other connections. Further ones are refused.
const MAX_SESSIONS: usize = 20_000;
const MAX_REQUESTS: usize = 1024;
/// The time in which the headers of a request have to arrive, also of the next one on a connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of the headers of a request.
const MAX_HEADERS: usize = 16 * 1024;
/// The delay after a connection that the operating system could not accept.
const ACCEPT_DELAY: Duration = Duration::from_millis(100);

/// The messages to the web server.
#[protocol(local)]
pub(crate) enum WebMessage {
    /// A request to stop.
    #[from]
    Exit(ExitSignal),
}

/// Serves the page.
#[actor(protocol = WebMessage, name = "web", trap_exit)]
pub(crate) struct Web {
    listener: Arc<Listener>,
    services: Services,
}

impl Web {
    pub(crate) fn serve(listener: Arc<Listener>, services: Services) -> Web {
        Web { listener, services }
    }
}

impl Process for Web {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let port = self.listener.address().port();
        self.services.note(&format!("web: http://127.0.0.1:{port}"));
        let router = router(AppState {
            node: cx.node().clone(),
            services: self.services.clone(),
            port,
            sessions: Arc::new(Semaphore::new(MAX_SESSIONS)),
        });
        tokio::select! {
            () = accept(&self.listener, router) => Ok(()),
            WebMessage::Exit(signal) = cx.receive() => Err(signal.reason),
        }
    }

    async fn terminate(&mut self, _: &mut Context<Self>, _: &Exit) {
        self.services.note("web: closed");
    }
}

/// Accepts connections. Each has a task of its own, which ends with the connection.
async fn accept(listener: &Listener, router: Router) {
    let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
    loop {
        match listener.accept().await {
            // Without a permit the connection is closed at once.
            Ok((stream, _)) => {
                // A line is sent at once, and not with the next one.
                let _ = stream.set_nodelay(true);
                if let Ok(permit) = Arc::clone(&requests).try_acquire_owned() {
                    tokio::spawn(serve(stream, router.clone(), permit));
                }
            }
            Err(_) => sleep(ACCEPT_DELAY).await,
        }
    }
}

/// Serves the requests of one connection. One that becomes a websocket is passed on, and its permit is free again.
async fn serve<S>(stream: S, router: Router, _permit: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEADERS);
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // An error is the browser's: it has disconnected, or its request is not valid.
    let _ = connection.with_upgrades().await;
}

/// The state of the HTTP handlers.
struct AppState {
    node: Node,
    services: Services,
    port: u16,
    sessions: Arc<Semaphore>,
}

fn router(state: AppState) -> Router {
    let state = Arc::new(state);
    files::routes()
        .route("/ws", get(websocket))
        .route("/report", get(report))
        .route("/stats", get(stats))
        .layer(from_fn_with_state(Arc::clone(&state), check_host))
        .with_state(state)
}

/// Refuses a request to a foreign host name that leads here.
async fn check_host(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    if guard::is_own_host(request.headers(), state.port) {
        (files::POLICY, next.run(request).await).into_response()
    } else {
        (StatusCode::FORBIDDEN, "the host is not this server\n").into_response()
    }
}

async fn report(State(state): State<Arc<AppState>>) -> Response {
    match state.services.reporting().report().await {
        Ok(report) => report.into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("no report: {error}\n")).into_response(),
    }
}

async fn stats(State(state): State<Arc<AppState>>) -> Response {
    match state.services.analytics().stats().await {
        Ok(stats) => Json(stats).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("no statistics: {error}\n")).into_response(),
    }
}

async fn websocket(State(state): State<Arc<AppState>>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if !guard::is_page(&headers, state.port, &pages(&state.node)) {
        return (StatusCode::FORBIDDEN, "the origin is not a page of this chat\n").into_response();
    }
    let Ok(permit) = Arc::clone(&state.sessions).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many people are connected\n").into_response();
    };
    Browser::configure(upgrade).on_upgrade(async move |socket| {
        state.node.spawn(Session::new(Browser::new(socket, permit), state.services.clone()));
    })
}

/// Returns the addresses of the pages of the other nodes. A node that is down is still a member.
pub(crate) fn pages(node: &Node) -> Vec<String> {
    node.members().into_iter().filter_map(|mut member| member.metadata.remove(PAGE)).collect()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;

    /// Returns a connection to a server on the current node, which allows so many websockets.
    fn connect(sessions: &Arc<Semaphore>) -> DuplexStream {
        let (client, server) = duplex(64 * 1024);
        let (node, permits) = (Node::current(), Arc::new(Semaphore::new(1)));
        let services = Services::of(&node);
        let router = router(AppState { node, services, port: 8080, sessions: Arc::clone(sessions) });
        tokio::spawn(serve(server, router, permits.try_acquire_owned().unwrap()));
        client
    }

    /// Sends a request and returns the first line of the answer.
    async fn request(client: &mut DuplexStream, text: &str) -> String {
        client.write_all(text.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = client.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..length]).lines().next().unwrap_or_default().to_owned()
    }

    const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nOrigin: http://127.0.0.1:8080\r\n\
                           Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    #[greenroom::test]
    async fn an_incomplete_request_ends() {
        for part in ["", "GET / HTTP/1.1\r\nHost: 127.0", "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"] {
            let began = Instant::now();
            let mut client = connect(&Arc::new(Semaphore::new(1)));
            client.write_all(part.as_bytes()).await.unwrap();
            client.read_to_end(&mut Vec::new()).await.unwrap();
            assert_eq!(began.elapsed().as_secs(), HEADER_TIMEOUT.as_secs(), "{part:?}");
        }
        let mut client = connect(&Arc::new(Semaphore::new(1)));
        let long = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nCookie: {}\r\n\r\n", "x".repeat(2 * MAX_HEADERS));
        assert!(request(&mut client, &long).await.starts_with("HTTP/1.1 431 "));
    }

    #[greenroom::test]
    async fn a_foreign_host_is_refused_on_each_path() {
        for path in ["/", "/report", "/stats", "/admin", "/chat.js", "/ws"] {
            let mut client = connect(&Arc::new(Semaphore::new(1)));
            let text = format!("GET {path} HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n");
            assert_eq!(request(&mut client, &text).await, "HTTP/1.1 403 Forbidden", "{path}");
        }
    }

    #[greenroom::test]
    async fn the_number_of_websockets_is_bounded() {
        let sessions = Arc::new(Semaphore::new(1));
        let (mut first, mut second, mut third) = (connect(&sessions), connect(&sessions), connect(&sessions));
        assert_eq!(request(&mut first, UPGRADE).await, "HTTP/1.1 101 Switching Protocols");
        assert_eq!(request(&mut second, UPGRADE).await, "HTTP/1.1 503 Service Unavailable");
        drop(first);
        // The session ends, and its place is free.
        let permit = sessions.acquire().await.unwrap();
        drop(permit);
        assert_eq!(request(&mut third, UPGRADE).await, "HTTP/1.1 101 Switching Protocols");
    }
}
