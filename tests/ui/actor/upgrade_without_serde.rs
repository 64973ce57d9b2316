use greenroom::prelude::*;

#[actor(upgrade)]
struct Room {
    topic: String,
}

#[actor]
impl Room {
    #[call]
    fn topic(&self) -> String {
        self.topic.clone()
    }
}

fn main() {}
