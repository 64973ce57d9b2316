use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

#[actor(upgrade)]
#[derive(Serialize, Deserialize)]
struct Room {
    watches: Vec<(MonitorRef, u8)>,
    #[serde(skip)]
    not_kept: Option<MonitorRef>,
}

#[actor]
impl Room {
    #[call]
    fn count(&self) -> usize {
        self.watches.len() + self.not_kept.iter().count()
    }
}

fn main() {}
