//! The web: the page, and a websocket for each person.
//!
//! Its handlers run outside of any process, so they use an explicit node; a websocket is handed to a new
//! [`Session`], which is a process. Only pages that this server sent may open one: the browser says where a
//! script comes from, and `Origin` must be ours.

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
use crate::session::{Gone, Person, Said, Session, Told};

/// The largest websocket message: a line of 64 KB is still answered, what is larger ends the connection.
const LARGEST: usize = 128 * 1024;
/// A browser that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the web server understands: only that it is time to stop.
#[protocol(local)]
pub(crate) enum WebMessage {
    /// It is time to stop.
    #[from]
    Exit(ExitSignal),
}

/// Serves the page.
#[actor(protocol = WebMessage, name = "web", trap_exit)]
pub(crate) struct Web {
    port: u16,
    services: Services,
    listener: Option<TcpListener>,
}

impl Web {
    pub(crate) fn at(port: u16, services: Services) -> Web {
        Web { port, services, listener: None }
    }
}

impl Process for Web {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        let listening = TcpListener::bind(("127.0.0.1", self.port)).await;
        let failed = |error| Exit::error(format!("cannot listen at 127.0.0.1:{}: {error}", self.port));
        self.listener = Some(listening.map_err(failed)?);
        Ok(())
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let listener = self.listener.take().ok_or_else(|| Exit::error("init has not run"))?;
        let port = listener.local_addr()?.port();
        LogRef::named("log").note(format!("web: http://127.0.0.1:{port}"));
        let house = House { node: cx.node().clone(), services: self.services.clone(), port };
        let server = axum::serve(listener, router(house));
        tokio::select! {
            served = server.into_future() => Ok(served?),
            WebMessage::Exit(signal) = cx.receive() => Err(signal.reason),
        }
    }

    async fn terminate(&mut self, _: &mut Context<Self>, _: &Exit) {
        LogRef::named("log").note("web: closed".to_owned());
    }
}

/// What the handlers know.
struct House {
    node: Node,
    services: Services,
    port: u16,
}

fn router(house: House) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/ws", get(websocket))
        .route("/report", get(report))
        .with_state(Arc::new(house))
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

async fn page() -> impl IntoResponse {
    (POLICY, Html(include_str!("page.html")))
}

async fn report(State(house): State<Arc<House>>) -> Response {
    match house.services.reporting.report().await {
        Ok(report) => (POLICY, report).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("no report: {error}\n")).into_response(),
    }
}

async fn websocket(State(house): State<Arc<House>>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if !is_ours(origin, house.port) {
        return (StatusCode::FORBIDDEN, "this page is not from here\n").into_response();
    }
    upgrade.max_message_size(LARGEST).max_frame_size(LARGEST).on_upgrade(async move |socket| {
        house.node.spawn(Session::new(Browser { socket }, house.services.clone()));
    })
}

/// Whether a page with this origin came from this server.
fn is_ours(origin: Option<&str>, port: u16) -> bool {
    let host = origin.and_then(|origin| origin.strip_prefix("http://"));
    host.and_then(|host| host.strip_prefix("127.0.0.1").or(host.strip_prefix("localhost"))).is_some_and(|rest| {
        // A browser leaves out the port that goes without saying.
        rest.strip_prefix(':').is_some_and(|given| given == port.to_string()) || (rest.is_empty() && port == 80)
    })
}

/// Somebody behind a websocket.
struct Browser {
    socket: WebSocket,
}

impl Person for Browser {
    async fn says(&mut self) -> Option<Result<Said, String>> {
        loop {
            match self.socket.recv().await?.ok()? {
                Message::Text(text) => return Some(understand(&text)),
                Message::Binary(_) => return Some(Err("only text is understood, no binary frames".to_owned())),
                // Answered by the websocket itself.
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => return None,
            }
        }
    }

    async fn hears(&mut self, told: &Told<'_>) -> Result<(), Gone> {
        let text = serde_json::to_string(told).map_err(|_| Gone)?;
        timeout(PATIENCE, self.socket.send(Message::text(text))).await.map_err(|_| Gone)?.map_err(|_| Gone)
    }

    async fn dismiss(&mut self) {
        let away = CloseFrame { code: close_code::AWAY, reason: "the server stops".into() };
        // It may have gone already.
        let _ = timeout(PATIENCE, self.socket.send(Message::Close(Some(away)))).await;
    }
}

fn understand(text: &str) -> Result<Said, String> {
    serde_json::from_str(text).map_err(|error| format!("this is not understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    #[test]
    fn only_pages_of_this_server_are_ours() {
        for (origin, ours) in [
            (Some("http://127.0.0.1:8080"), true),
            (Some("http://localhost:8080"), true),
            (Some("http://localhost:8081"), false),
            (Some("http://127.0.0.1"), false),
            (Some("https://127.0.0.1:8080"), false),
            (Some("http://127.0.0.1:80800"), false),
            (Some("http://127.0.0.1.evil.example:8080"), false),
            (Some("http://evil.example"), false),
            (Some("null"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(is_ours(origin, 8080), ours, "{origin:?}");
        }
        assert!(is_ours(Some("http://localhost"), 80));
    }

    #[test]
    fn what_a_browser_says_is_understood_or_told_off() {
        assert!(matches!(
            understand(r#"{"type":"join","room":"lobby","nick":"ann"}"#),
            Ok(Said::Join { heard: None, .. })
        ));
        assert!(matches!(understand(r#"{"type":"say","id":"1","words":"hi"}"#), Ok(Said::Say { .. })));
        for bad in ["", "{}", "hello", r#"{"type":"fly"}"#, r#"{"type":"say"}"#, r#"{"type":"say","id":1,"words":2}"#] {
            let error = understand(bad).unwrap_err();
            assert!(error.starts_with("this is not understood: "), "{bad:?}: {error}");
        }
    }

    #[test]
    fn words_stay_text_on_their_way_to_the_page() {
        let (id, nick) = (Text::new("7").unwrap(), Text::new("<script>").unwrap());
        let words = Text::new(r#"</script>"&'"#).unwrap();
        let told = Told::Line { number: 1, at: 0, id: &id, nick: &nick, words: &words };
        let expected = r#"{"type":"line","number":1,"at":0,"id":"7","nick":"<script>","words":"</script>\"&'"}"#;
        assert_eq!(serde_json::to_string(&told).unwrap(), expected);
        // The page never makes markup of a text.
        let page = include_str!("page.html");
        for maker in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!page.contains(maker), "{maker}");
        }
        assert!(page.contains("textContent"));
    }
}
