//! The speakers of one side, each a process of its own.

use std::collections::HashMap;

use greenroom::prelude::*;

use crate::line::{Line, Nick, Saying, insist};
use crate::services::Services;

/// Gives each line to its speaker.
#[actor(name = "troupe")]
pub(super) struct Troupe {
    services: Services,
    speakers: HashMap<Nick, SpeakerRef>,
}

impl Troupe {
    pub(super) fn new(services: Services) -> Troupe {
        Troupe { services, speakers: HashMap::new() }
    }
}

#[actor]
impl Troupe {
    /// Has a line said; answered by its speaker, when the line is written.
    #[call]
    pub(super) fn cue(&mut self, cx: &mut Context<Self>, line: Line, reply: Reply<u64>) {
        let speaker = self
            .speakers
            .entry(line.nick.clone())
            .or_insert_with(|| Speaker { services: self.services.clone() }.spawn_link(cx));
        speaker.say(Saying { line, written: reply });
    }
}

/// Says its lines one after the other, each when the one before is written.
#[actor]
pub(super) struct Speaker {
    services: Services,
}

#[actor]
impl Speaker {
    /// Says a line until it is written.
    #[cast]
    async fn say(&mut self, saying: Saying) {
        let number = insist(|| self.services.rooms.say(saying.line.clone())).await;
        saying.written.send(number);
    }
}
