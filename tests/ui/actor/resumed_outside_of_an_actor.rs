use greenroom::prelude::*;

struct Room;

impl Room {
    #[resumed]
    fn open_again(&mut self) {}
}

fn main() {}
