use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
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
    fn with_self(&self, _old: RoomV1) -> Room {
        Room
    }

    #[upgrade]
    async fn asynchronous(_old: RoomV1) -> Room {
        Room
    }

    #[upgrade]
    fn generic<T>(_old: T) -> Room {
        Room
    }

    #[upgrade]
    fn without_parameter() -> Room {
        Room
    }

    #[upgrade]
    fn two_parameters(_old: RoomV1, _older: RoomV1) -> Room {
        Room
    }

    #[upgrade]
    fn without_result(_old: RoomV1) {}

    #[upgrade]
    fn borrowed(_old: &RoomV1) -> Room {
        Room
    }

    #[upgrade(1)]
    fn with_arguments(_old: RoomV1) -> Room {
        Room
    }
}

fn main() {}
