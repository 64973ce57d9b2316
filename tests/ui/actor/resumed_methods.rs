use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

#[actor(upgrade)]
#[derive(Serialize, Deserialize)]
struct Room {
    topic: String,
}

#[actor]
impl Room {
    #[call]
    fn topic(&self) -> String {
        self.topic.clone()
    }

    #[resumed]
    fn with_arguments(&mut self, topic: String) {
        self.topic = topic;
    }
}

#[actor(upgrade)]
#[derive(Serialize, Deserialize)]
struct Desk;

#[actor]
impl Desk {
    #[call]
    fn size(&self) -> u64 {
        1
    }

    #[resumed]
    fn without_self() {}
}

#[actor(upgrade)]
#[derive(Serialize, Deserialize)]
struct Hall;

#[actor]
impl Hall {
    #[call]
    fn size(&self) -> u64 {
        1
    }

    #[resumed]
    fn first(&mut self) {}

    #[resumed]
    fn second(&mut self) {}
}

#[actor(upgrade)]
#[derive(Serialize, Deserialize)]
struct Lobby;

#[actor]
impl Lobby {
    #[call]
    fn size(&self) -> u64 {
        1
    }

    #[resumed]
    fn counted(&mut self) -> u64 {
        1
    }
}

fn main() {}
