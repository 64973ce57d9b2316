//! The speakers of one node: one process each, and one process that distributes the lines.

use std::collections::HashMap;

use greenroom::prelude::*;

use crate::line::{Line, Nick, PendingLine, call_until_answered};
use crate::services::Services;

/// Distributes the lines to the speakers' processes.
#[actor(name = "speakers")]
pub(super) struct Speakers {
    services: Services,
    by_nick: HashMap<Nick, SpeakerRef>,
}

impl Speakers {
    pub(super) fn new(services: Services) -> Speakers {
        Speakers { services, by_nick: HashMap::new() }
    }
}

#[actor]
impl Speakers {
    /// Passes a line to its speaker, which answers when the line is written.
    #[call]
    pub(super) fn say(&mut self, cx: &mut Context<Self>, line: Line, reply: Reply<u64>) {
        let speaker = self
            .by_nick
            .entry(line.nick.clone())
            .or_insert_with(|| Speaker { services: self.services.clone() }.spawn_link(cx));
        speaker.say(PendingLine { line, reply });
    }
}

/// Sends its lines one after the other, each after the one before is written.
#[actor]
pub(super) struct Speaker {
    services: Services,
}

#[actor]
impl Speaker {
    /// Sends a line until it is acknowledged.
    #[cast]
    async fn say(&mut self, pending: PendingLine) {
        let number = call_until_answered(|| self.services.rooms.say(pending.line.clone())).await;
        pending.reply.send(number);
    }
}
