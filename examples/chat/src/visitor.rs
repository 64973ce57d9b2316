//! A person without a browser: the other end of a websocket, which does the same as the page.
//!
//! When its node is lost, it connects to the next node, joins the room behind the last line that it has, and sends its
//! unacknowledged lines again under their ids.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Duration, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::ORIGIN;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::line::{Entry, Id, Nick, Room, Words};
use crate::session::ClientMessage;

/// The delay before another attempt to connect.
pub(crate) const RETRY_DELAY: Duration = Duration::from_millis(100);
/// The size of the buffer of a websocket.
const BUFFER: usize = 2 * 1024;

/// A line that a client received, or that the history has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReceivedLine {
    pub(crate) number: u64,
    pub(crate) id: Id,
    pub(crate) nick: Nick,
    pub(crate) words: Words,
}

impl From<Entry> for ReceivedLine {
    fn from(Entry { number, line, .. }: Entry) -> ReceivedLine {
        ReceivedLine { number, id: line.id, nick: line.nick, words: line.words }
    }
}

/// An event that a person sees.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The person is in the room.
    Joined,
    /// A line of the room.
    Line(ReceivedLine),
    /// The person's line with this id is written.
    Acknowledged { id: Id },
    #[serde(other)]
    Other,
}

/// A person in a room.
pub(crate) struct Visitor {
    room: Room,
    nick: Nick,
    /// The pages of all nodes, the current one first.
    pages: Vec<SocketAddr>,
    /// The number of the last line that was received.
    last_seen: Option<u64>,
    unacknowledged: VecDeque<(Id, Words)>,
}

impl Visitor {
    /// Creates a person who connects to the first page, and has the lines up to `last_seen`.
    pub(crate) fn new(room: Room, nick: Nick, pages: Vec<SocketAddr>, last_seen: Option<u64>) -> Visitor {
        Visitor { room, nick, pages, last_seen, unacknowledged: VecDeque::new() }
    }

    /// Sends these lines, and passes on each event, until the lines end and are acknowledged, or `see` returns false.
    pub(crate) async fn run(mut self, mut lines: UnboundedReceiver<(Id, Words)>, mut see: impl FnMut(Event) -> bool) {
        loop {
            match self.visit(&mut lines, &mut see).await {
                Ok(()) => return,
                Err(_) => {
                    self.pages.rotate_left(1);
                    sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    /// Does the same on one connection, until it is lost.
    async fn visit(
        &mut self,
        lines: &mut UnboundedReceiver<(Id, Words)>,
        see: &mut impl FnMut(Event) -> bool,
    ) -> Result<(), Error> {
        let mut socket = connect(self.pages[0]).await?;
        let (room, nick) = (self.room.as_str().to_owned(), self.nick.as_str().to_owned());
        send(&mut socket, &ClientMessage::Join { room, nick, last_seen: self.last_seen }).await?;
        for (id, words) in &self.unacknowledged {
            send(&mut socket, &say(id, words)).await?;
        }
        let mut more = true;
        while more || !self.unacknowledged.is_empty() {
            tokio::select! {
                line = lines.recv(), if more => match line {
                    Some((id, words)) => {
                        self.unacknowledged.push_back((id.clone(), words.clone()));
                        send(&mut socket, &say(&id, &words)).await?;
                    }
                    None => more = false,
                },
                message = socket.next() => {
                    let Message::Text(text) = message.ok_or(Error::ConnectionClosed)?? else { continue };
                    let event = serde_json::from_str(&text).unwrap_or(Event::Other);
                    match &event {
                        Event::Line(line) => self.last_seen = Some(line.number),
                        Event::Acknowledged { id } => self.unacknowledged.retain(|(sent, _)| sent != id),
                        _ => {}
                    }
                    if !see(event) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The websocket of a person.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Connects to a page.
pub(crate) async fn connect(page: SocketAddr) -> Result<Socket, Error> {
    let mut request = format!("ws://{page}/ws").into_client_request()?;
    let origin = format!("http://{page}").parse().map_err(|_| Error::ConnectionClosed)?;
    request.headers_mut().insert(ORIGIN, origin);
    let stream = TcpStream::connect(page).await?;
    // Lines are short, and the default buffers are not: thousands of people would need a gigabyte.
    let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
    Ok(tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?.0)
}

fn say(id: &Id, words: &Words) -> ClientMessage {
    ClientMessage::Say { room: None, id: id.as_str().to_owned(), words: words.as_str().to_owned() }
}

async fn send(socket: &mut Socket, message: &ClientMessage) -> Result<(), Error> {
    let text = serde_json::to_string(message).map_err(|error| Error::Io(error.into()))?;
    socket.send(Message::text(text)).await
}
