//! The session: one process for each connected person, for as long as the connection lasts.
//!
//! It serves two sources at once, the client and the room, and repeats a line of the client until it is acknowledged.
//! A client is a trait: a browser behind a websocket, or a test.
//!
//! Invalid input is answered with an error. No message of a client ends the session.

mod client;

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;

use futures_util::stream::{FuturesUnordered, StreamExt};
use greenroom::prelude::*;
use tokio::time::Instant;

use crate::history::store::{Head, Page};
use crate::line::{Entry, Id, Line, Nick, Room, Words, call_until_answered};
use crate::membership::{Member, Membership};
use crate::presence::People;
use crate::services::Services;
use crate::text::Text;
use crate::web;
#[cfg(test)]
pub(crate) use client::ShownLine;
pub(crate) use client::{Client, ClientMessage, Disconnected, ServerMessage};

/// The maximum number of unacknowledged lines. At this number the session stops reading from its client.
const MAX_UNACKNOWLEDGED: usize = 32;
/// The maximum number of rooms whose last numbers a client follows.
const MAX_WATCHED: usize = 64;
/// The least time between two typing notices of a person without a line between them.
const TYPING_PERIOD: Duration = Duration::from_secs(2);

/// The process of one client. A full mailbox drops new messages, so a slow client does not delay the room. The
/// session detects the gap and fetches the lines.
#[actor(protocol = Member, trap_exit, mailbox = 1024, overflow = drop_newest)]
pub(crate) struct Session<P> {
    client: P,
    services: Services,
    membership: Option<Membership>,
    unacknowledged: FuturesUnordered<Pin<Box<dyn Future<Output = Id> + Send>>>,
    /// The rooms whose last numbers the client follows.
    watched: HashSet<Room>,
    /// The time of the last typing notice, if no line followed it.
    typed: Option<Instant>,
    /// The source that was polled first the last time.
    client_first: bool,
}

impl<P: Client> Session<P> {
    pub(crate) fn new(client: P, services: Services) -> Session<P> {
        Session {
            client,
            services,
            membership: None,
            unacknowledged: FuturesUnordered::new(),
            watched: HashSet::new(),
            typed: None,
            client_first: false,
        }
    }
}

impl<P: Client> Process for Session<P> {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.watch_nodes(true);
        if self.send_pages(cx).await.is_err() {
            return Ok(());
        }
        loop {
            let outcome = match self.next(cx).await {
                Next::Acknowledged(id) => self.client.send(&ServerMessage::Acknowledged { id: &id }).await,
                Next::FromClient(Some(Ok(message))) => self.handle_client_message(cx, message).await,
                Next::FromClient(Some(Err(text))) => self.client.send(&ServerMessage::Error { id: None, text }).await,
                Next::FromClient(None) => Err(Disconnected),
                Next::ToMember(Member::Exit(signal)) => {
                    self.client.close().await;
                    return Err(signal.reason);
                }
                Next::ToMember(Member::Node(NodeEvent::Up(_))) => self.send_pages(cx).await,
                Next::ToMember(message) => self.handle_member_message(cx, message).await,
            };
            if let Err(Disconnected) = outcome {
                return Ok(());
            }
        }
    }
}

/// The next event of a session.
enum Next {
    /// A line of the client is written.
    Acknowledged(Id),
    /// The client sent a message, or disconnected.
    FromClient(Option<Result<ClientMessage, String>>),
    /// A message from the room or the runtime arrived.
    ToMember(Member),
}

impl<P: Client> Session<P> {
    /// Waits for either source. They are polled first by turns, so a busy one does not starve the other. The order is
    /// fixed and not tokio's random one, so that a test's seed determines the run.
    async fn next(&mut self, cx: &mut Context<Self>) -> Next {
        self.client_first = !self.client_first;
        // Acknowledgements come first: there are few of them.
        let may_read = self.unacknowledged.len() < MAX_UNACKNOWLEDGED;
        let (written, received) = (self.unacknowledged.next(), self.client.receive());
        if self.client_first {
            tokio::select! {
                biased;
                Some(id) = written => Next::Acknowledged(id),
                message = received, if may_read => Next::FromClient(message),
                message = cx.receive() => Next::ToMember(message),
            }
        } else {
            tokio::select! {
                biased;
                Some(id) = written => Next::Acknowledged(id),
                message = cx.receive() => Next::ToMember(message),
                message = received, if may_read => Next::FromClient(message),
            }
        }
    }

    /// Sends the client the addresses of the other nodes' pages.
    async fn send_pages(&mut self, cx: &mut Context<Self>) -> Result<(), Disconnected> {
        let pages = web::pages(cx.node());
        if pages.is_empty() { Ok(()) } else { self.client.send(&ServerMessage::Pages { pages: &pages }).await }
    }

    async fn handle_client_message(
        &mut self,
        cx: &mut Context<Self>,
        message: ClientMessage,
    ) -> Result<(), Disconnected> {
        let answer = match message {
            ClientMessage::Join { room, nick, last_seen } => match parse_names(&room, &nick) {
                Ok((room, nick)) => return self.join(cx, room, nick, last_seen).await,
                Err(text) => ServerMessage::Error { id: None, text },
            },
            ClientMessage::Say { room, id, words } => match self.say(room.as_deref(), &id, &words) {
                Ok(()) => return Ok(()),
                Err(text) => ServerMessage::Error { id: Some(id), text },
            },
            ClientMessage::Older { before } => return self.send_older(before).await,
            ClientMessage::Typing => return self.announce_typing(),
            ClientMessage::Watch { rooms } => return self.watch(rooms).await,
            ClientMessage::Ping => ServerMessage::Pong,
        };
        self.client.send(&answer).await
    }

    async fn join(
        &mut self,
        cx: &mut Context<Self>,
        room: Room,
        nick: Nick,
        last_seen: Option<u64>,
    ) -> Result<(), Disconnected> {
        if let Some(membership) = self.membership.take() {
            membership.leave(cx);
        }
        self.services.note(&format!("{room}: {nick} joins"));
        self.membership = Some(Membership::new(room, nick, last_seen, self.services.clone()));
        self.refresh(cx).await
    }

    /// Sends a line to the writer until it is acknowledged.
    fn say(&mut self, room: Option<&str>, id: &str, words: &str) -> Result<(), String> {
        let membership = self.membership.as_ref().ok_or("join a room first")?;
        let room = room.map_or(Ok(membership.room.clone()), parse_room)?;
        let id: Id = Text::new(id).map_err(|invalid| format!("the line's id {invalid}"))?;
        let words: Words = Text::new(words).map_err(|invalid| format!("the line {invalid}"))?;
        if words.as_str() == "/crash" {
            self.services.rooms().crash(membership.nick.clone());
            return Ok(());
        }
        self.typed = None;
        let line = Line { room, id, nick: membership.nick.clone(), words };
        let writer = self.services.writer();
        self.unacknowledged.push(Box::pin(async move {
            call_until_answered(|| writer.say(line.clone())).await;
            line.id
        }));
        Ok(())
    }

    /// Sends the client the page of lines before this number.
    async fn send_older(&mut self, before: u64) -> Result<(), Disconnected> {
        let Some(membership) = &self.membership else { return Ok(()) };
        let page = self.services.database().page(membership.room.clone(), Page::Before(before)).await;
        // The client requests the page again after an answer to a later request.
        let Ok(entries) = page else { return Ok(()) };
        let lines = entries.iter().map(Into::into).collect();
        self.client.send(&ServerMessage::Older { lines }).await
    }

    /// Shows the others in the room that the person is writing.
    fn announce_typing(&mut self) -> Result<(), Disconnected> {
        let now = Instant::now();
        if let Some(membership) = &self.membership
            && self.typed.is_none_or(|last| now - last >= TYPING_PERIOD)
        {
            self.typed = Some(now);
            self.services.rooms().typing((membership.room.clone(), membership.nick.clone()));
        }
        Ok(())
    }

    /// Follows the last numbers of these rooms.
    async fn watch(&mut self, rooms: Vec<String>) -> Result<(), Disconnected> {
        self.watched = rooms.iter().take(MAX_WATCHED).filter_map(|room| parse_room(room).ok()).collect();
        match self.services.database().heads(self.watched.iter().cloned().collect()).await {
            Ok(rooms) => self.client.send(&ServerMessage::Rooms { rooms }).await,
            // The client receives the changes at least.
            Err(_) => Ok(()),
        }
    }

    /// Handles a message from the room or the runtime.
    async fn handle_member_message(&mut self, cx: &mut Context<Self>, message: Member) -> Result<(), Disconnected> {
        let Some(membership) = &mut self.membership else { return Ok(()) };
        match message {
            Member::Lines { entries } => match membership.accept(&entries) {
                Some(new) => self.send_lines(&new).await,
                None => self.catch_up().await,
            },
            Member::MemberJoined { nick } => self.client.send(&ServerMessage::MemberJoined { nick: &nick }).await,
            Member::MemberLeft { nick } => self.client.send(&ServerMessage::MemberLeft { nick: &nick }).await,
            Member::Typing { nick } if nick != membership.nick => {
                self.client.send(&ServerMessage::Typing { nick: &nick }).await
            }
            Member::Heads { heads } => {
                let rooms: Vec<Head> = heads.iter().filter(|head| self.watched.contains(&head.room)).cloned().collect();
                if rooms.is_empty() { Ok(()) } else { self.client.send(&ServerMessage::Rooms { rooms }).await }
            }
            Member::Down(down) if membership.handle_down(cx, &down) => {
                self.client.send(&ServerMessage::Lost { reason: down.reason.to_string() }).await
            }
            Member::Refresh => self.refresh(cx).await,
            Member::Typing { .. } | Member::Down(_) | Member::Node(_) | Member::Exit(_) => Ok(()),
        }
    }

    /// Joins the room, for the first time or again, and sends the client the missing lines.
    async fn refresh(&mut self, cx: &mut Context<Self>) -> Result<(), Disconnected> {
        let Some(membership) = &mut self.membership else { return Ok(()) };
        // After a failed join, `membership` has scheduled another refresh.
        let Ok(People { nicks: people, count }) = membership.join(cx).await else { return Ok(()) };
        let (room, nick) = (&membership.room, &membership.nick);
        self.client.send(&ServerMessage::Joined { room, nick, people, count }).await?;
        self.catch_up().await
    }

    async fn catch_up(&mut self) -> Result<(), Disconnected> {
        while let Some(membership) = &mut self.membership {
            match membership.next_page().await {
                Ok(page) if !page.is_empty() => self.send_lines(&page).await?,
                // No line is missing, or the database does not answer and a later refresh tries again.
                _ => break,
            }
        }
        Ok(())
    }

    async fn send_lines(&mut self, entries: &[Entry]) -> Result<(), Disconnected> {
        for entry in entries {
            self.client.send(&ServerMessage::Line(entry.into())).await?;
        }
        Ok(())
    }
}

fn parse_names(room: &str, nick: &str) -> Result<(Room, Nick), String> {
    let room = parse_room(room)?;
    let nick = Text::new(nick).map_err(|invalid| format!("your name {invalid}"))?;
    Ok((room, nick))
}

fn parse_room(room: &str) -> Result<Room, String> {
    Text::new(room).map_err(|invalid| format!("the room's name {invalid}"))
}

#[cfg(test)]
mod tests;
