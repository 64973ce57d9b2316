//! The web server process: serves the page, and a websocket for each browser.
//!
//! The HTTP handlers run outside of any process, so they use an explicit node. A websocket is passed to a new
//! [`Session`], which is a process. Only the pages of the cluster's nodes may open a websocket: the browser sends the
//! page's origin.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use greenroom::prelude::*;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::log::LogRef;
use crate::services::Services;
use crate::session::{Client, ClientMessage, Disconnected, ServerMessage, Session};

/// The metadata of a node that has the address of its page.
pub(crate) const PAGE: &str = "page";
/// The maximum size of a websocket message. An over-long line below it is answered with an error; a larger message
/// ends the connection.
const MAX_MESSAGE_SIZE: usize = 128 * 1024;
/// The time limit for a write to a browser.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

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
    listener: Arc<std::net::TcpListener>,
}

impl Web {
    pub(crate) fn serve(listener: Arc<std::net::TcpListener>) -> Web {
        Web { listener }
    }
}

impl Process for Web {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let port = self.listener.local_addr()?.port();
        LogRef::named("log").note(format!("web: http://127.0.0.1:{port}"));
        let router = router(AppState { node: cx.node().clone(), services: Services::of(cx.node()), port });
        let server = axum::serve(TcpListener::from_std(self.listener.try_clone()?)?, router);
        tokio::select! {
            served = server.into_future() => Ok(served?),
            WebMessage::Exit(signal) = cx.receive() => Err(signal.reason),
        }
    }

    async fn terminate(&mut self, _: &mut Context<Self>, _: &Exit) {
        LogRef::named("log").note("web: closed".to_owned());
    }
}

/// The state of the HTTP handlers.
struct AppState {
    node: Node,
    services: Services,
    port: u16,
}

fn router(state: AppState) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/ws", get(websocket))
        .route("/report", get(report))
        .with_state(Arc::new(state))
}

/// The response headers: the page loads no other resources and is not shown in a frame. It connects to this server, and
/// to the other nodes' pages, which are on this computer as well.
const POLICY: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
         connect-src 'self' ws://127.0.0.1:*; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
];

async fn page() -> impl IntoResponse {
    (POLICY, Html(include_str!("page.html")))
}

async fn report(State(state): State<Arc<AppState>>) -> Response {
    match state.services.reporting.report().await {
        Ok(report) => (POLICY, report).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("no report: {error}\n")).into_response(),
    }
}

async fn websocket(State(state): State<Arc<AppState>>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if !is_page(origin, state.port, &pages(&state.node)) {
        return (StatusCode::FORBIDDEN, "the origin is not a page of this chat\n").into_response();
    }
    upgrade.max_message_size(MAX_MESSAGE_SIZE).max_frame_size(MAX_MESSAGE_SIZE).on_upgrade(async move |socket| {
        state.node.spawn(Session::new(Browser { socket }, state.services.clone()));
    })
}

/// Returns the addresses of the pages of the other nodes. A node that is down is still a member.
pub(crate) fn pages(node: &Node) -> Vec<String> {
    node.members().into_iter().filter_map(|mut member| member.metadata.remove(PAGE)).collect()
}

/// Returns whether a page with this origin was served by a node of the cluster.
fn is_page(origin: Option<&str>, port: u16, pages: &[String]) -> bool {
    let Some(origin) = origin else { return false };
    let is_at = |page: &str| {
        let Some(port) = page.strip_prefix("http://127.0.0.1:") else { return false };
        ["127.0.0.1", "localhost"].iter().any(|host| {
            // A browser omits the default port.
            origin == format!("http://{host}:{port}") || (port == "80" && origin == format!("http://{host}"))
        })
    };
    is_at(&format!("http://127.0.0.1:{port}")) || pages.iter().any(|page| is_at(page))
}

/// A client behind a websocket.
struct Browser {
    socket: WebSocket,
}

impl Client for Browser {
    async fn receive(&mut self) -> Option<Result<ClientMessage, String>> {
        loop {
            match self.socket.recv().await?.ok()? {
                Message::Text(text) => return Some(parse(&text)),
                Message::Binary(_) => return Some(Err("expected a text frame, found a binary frame".to_owned())),
                // The websocket answers these itself.
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => return None,
            }
        }
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Disconnected> {
        let text = serde_json::to_string(message).map_err(|_| Disconnected)?;
        timeout(SEND_TIMEOUT, self.socket.send(Message::text(text)))
            .await
            .map_err(|_| Disconnected)?
            .map_err(|_| Disconnected)
    }

    async fn close(&mut self) {
        let away = CloseFrame { code: close_code::AWAY, reason: "the server is stopping".into() };
        // The browser may have disconnected already.
        let _ = timeout(SEND_TIMEOUT, self.socket.send(Message::Close(Some(away)))).await;
    }
}

fn parse(text: &str) -> Result<ClientMessage, String> {
    serde_json::from_str(text).map_err(|error| format!("invalid message: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    #[test]
    fn only_pages_of_the_cluster_may_connect() {
        for (origin, allowed) in [
            (Some("http://127.0.0.1:8080"), true),
            (Some("http://localhost:8080"), true),
            (Some("http://localhost:8081"), true),
            (Some("http://localhost:8082"), false),
            (Some("http://127.0.0.1"), false),
            (Some("https://127.0.0.1:8080"), false),
            (Some("http://127.0.0.1:80800"), false),
            (Some("http://127.0.0.1.evil.example:8080"), false),
            (Some("http://evil.example"), false),
            (Some("null"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(is_page(origin, 8080, &["http://127.0.0.1:8081".to_owned()]), allowed, "{origin:?}");
        }
        assert!(is_page(Some("http://localhost"), 80, &[]));
    }

    #[test]
    fn an_invalid_message_of_a_browser_gives_an_error() {
        assert!(matches!(
            parse(r#"{"type":"join","room":"lobby","nick":"ann"}"#),
            Ok(ClientMessage::Join { last_seen: None, .. })
        ));
        assert!(matches!(parse(r#"{"type":"say","id":"1","words":"hi"}"#), Ok(ClientMessage::Say { .. })));
        for bad in ["", "{}", "hello", r#"{"type":"fly"}"#, r#"{"type":"say"}"#, r#"{"type":"say","id":1,"words":2}"#] {
            let error = parse(bad).unwrap_err();
            assert!(error.starts_with("invalid message: "), "{bad:?}: {error}");
        }
    }

    #[test]
    fn words_are_sent_to_the_page_as_plain_text() {
        let (id, nick) = (Text::new("7").unwrap(), Text::new("<script>").unwrap());
        let words = Text::new(r#"</script>"&'"#).unwrap();
        let message = ServerMessage::Line { number: 1, at: 0, id: &id, nick: &nick, words: &words };
        let expected = r#"{"type":"line","number":1,"at":0,"id":"7","nick":"<script>","words":"</script>\"&'"}"#;
        assert_eq!(serde_json::to_string(&message).unwrap(), expected);
        // The page never converts a text to markup.
        let page = include_str!("page.html");
        for function in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!page.contains(function), "{function}");
        }
        assert!(page.contains("textContent"));
    }
}
