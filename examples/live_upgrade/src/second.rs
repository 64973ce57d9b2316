//! The second release: the state has one field more, and there is one message more. The release that is upgraded, or
//! downgraded, needs no code for that: states are read by the names of their fields.

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

/// Counts calls, and of these the calls in this release.
#[actor(name = "counter", upgrade)]
#[derive(Default, Serialize, Deserialize)]
pub struct Counter {
    count: u64,
    #[serde(default)]
    counted_here: u64,
}

#[actor]
impl Counter {
    /// Returns the number of calls until now, this one included.
    #[call]
    pub fn count(&mut self) -> u64 {
        self.count += 1;
        self.counted_here += 1;
        self.count
    }

    /// Returns the number of calls in this release.
    #[call]
    pub fn counted_here(&self) -> u64 {
        self.counted_here
    }

    /// Returns the release.
    #[call]
    pub fn release(&self) -> String {
        "second".to_owned()
    }
}

/// The processes of the program.
#[supervisor]
pub struct Shop {
    #[child]
    counter: Counter,
}
