//! The files of the page and of the admin view, which are part of the program.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, header};
use axum::routing::get;

use super::AppState;

/// The response headers: the page loads nothing from other servers and is not shown in a frame. It connects to this
/// server, and to the other nodes, whose pages are on this computer as well.
pub(super) const POLICY: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://127.0.0.1:*; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The path, the type and the text of each file.
const FILES: [(&str, &str, &str); 8] = [
    ("/", HTML, include_str!("../page/index.html")),
    ("/style.css", CSS, include_str!("../page/style.css")),
    ("/chat.js", SCRIPT, include_str!("../page/chat.js")),
    ("/connection.js", SCRIPT, include_str!("../page/connection.js")),
    ("/elements.js", SCRIPT, include_str!("../page/elements.js")),
    ("/lines.js", SCRIPT, include_str!("../page/lines.js")),
    ("/admin", HTML, include_str!("../page/admin.html")),
    ("/admin.js", SCRIPT, include_str!("../page/admin.js")),
];

pub(super) fn routes() -> Router<Arc<AppState>> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(async move || ([(header::CONTENT_TYPE, kind)], text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{ServerMessage, ShownLine};
    use crate::text::Text;

    #[test]
    fn words_are_sent_to_the_page_as_plain_text() {
        let (id, nick) = (Text::new("7").unwrap(), Text::new("<script>").unwrap());
        let words = Text::new(r#"</script>"&'"#).unwrap();
        let message = ServerMessage::Line(ShownLine { number: 1, at: 0, id: &id, nick: &nick, words: &words });
        let expected = r#"{"type":"line","number":1,"at":0,"id":"7","nick":"<script>","words":"</script>\"&'"}"#;
        assert_eq!(serde_json::to_string(&message).unwrap(), expected);
        // The scripts never convert a text to markup.
        for (path, _, text) in FILES {
            for function in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!text.contains(function), "{path}: {function}");
            }
        }
    }
}
