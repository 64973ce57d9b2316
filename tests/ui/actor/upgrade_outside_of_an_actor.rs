use greenroom::prelude::*;

struct Room;

impl Room {
    #[upgrade]
    fn from_v1(_: u8) -> Room {
        Room
    }
}

fn main() {}
