use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

#[actor]
#[derive(Serialize, Deserialize)]
struct Room;

#[actor]
impl Room {
    #[resumed]
    fn open_again(&mut self) {}

    #[call]
    fn topic(&self) -> String {
        String::new()
    }
}

fn main() {}
