use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

struct RoomV1;

#[actor(upgrade)]
#[derive(Serialize, Deserialize)]
struct Room;

#[actor]
impl Room {
    #[call]
    fn topic(&self) -> String {
        String::new()
    }

    #[upgrade]
    fn from_v1(_: RoomV1) -> Room {
        Room
    }
}

fn main() {}
