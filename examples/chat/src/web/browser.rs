//! A client behind a websocket.

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use greenroom::prelude::*;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;

use crate::session::{Client, ClientMessage, Disconnected, ServerMessage};

/// The maximum size of a message. An over-long line below it is answered with an error; a larger message ends the
/// connection.
const MAX_MESSAGE_SIZE: usize = 64 * 1024;
/// The buffers of a websocket. Lines are short, so larger ones would only take memory: 128 KiB each by default.
const READ_BUFFER: usize = 2 * 1024;
const WRITE_BUFFER: usize = 0;
/// The bytes that may wait to be written.
const MAX_WRITE_BUFFER: usize = 1024 * 1024;
/// The time limit for a write to a browser.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// A browser.
pub(super) struct Browser {
    socket: WebSocket,
    /// The place among the websockets of the node, which is free again when the connection ends.
    _permit: OwnedSemaphorePermit,
}

impl Browser {
    /// Sets the limits of a websocket.
    pub(super) fn configure(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
        upgrade
            .max_message_size(MAX_MESSAGE_SIZE)
            .max_frame_size(MAX_MESSAGE_SIZE)
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
    }

    pub(super) fn new(socket: WebSocket, permit: OwnedSemaphorePermit) -> Browser {
        Browser { socket, _permit: permit }
    }

    /// Closes the connection with a reason that the browser's page receives.
    async fn close_with(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code, reason: reason.into() };
        // The browser may have disconnected already.
        let _ = timeout(SEND_TIMEOUT, self.socket.send(Message::Close(Some(frame)))).await;
    }
}

impl Client for Browser {
    async fn receive(&mut self) -> Option<Result<ClientMessage, String>> {
        loop {
            match self.socket.recv().await? {
                Ok(Message::Text(text)) => return Some(parse(&text)),
                Ok(Message::Binary(_)) => {
                    return Some(Err("expected a text frame, found a binary frame".to_owned()));
                }
                // The websocket answers these itself.
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(Message::Close(_)) => return None,
                Err(error) => {
                    if is_too_long(error) {
                        let reason = format!("a message has at most {MAX_MESSAGE_SIZE} bytes");
                        self.close_with(close_code::SIZE, &reason).await;
                    }
                    return None;
                }
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
        self.close_with(close_code::AWAY, "the server is stopping").await;
    }
}

fn is_too_long(error: axum::Error) -> bool {
    let error = error.into_inner().downcast::<tungstenite::Error>();
    error.is_ok_and(|error| matches!(*error, tungstenite::Error::Capacity(_)))
}

fn parse(text: &str) -> Result<ClientMessage, String> {
    serde_json::from_str(text).map_err(|error| format!("invalid message: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_message_of_a_browser_gives_an_error() {
        assert!(matches!(
            parse(r#"{"type":"join","room":"lobby","nick":"ann"}"#),
            Ok(ClientMessage::Join { last_seen: None, .. })
        ));
        assert!(matches!(parse(r#"{"type":"say","id":"1","words":"hi"}"#), Ok(ClientMessage::Say { room: None, .. })));
        assert!(matches!(parse(r#"{"type":"typing"}"#), Ok(ClientMessage::Typing)));
        for bad in ["", "{}", "hello", r#"{"type":"fly"}"#, r#"{"type":"say"}"#, r#"{"type":"say","id":1,"words":2}"#] {
            let error = parse(bad).unwrap_err();
            assert!(error.starts_with("invalid message: "), "{bad:?}: {error}");
        }
    }
}
