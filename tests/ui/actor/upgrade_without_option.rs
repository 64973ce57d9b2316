use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct RoomV1;

#[actor]
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
