//! The first release.

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

/// Counts calls. The state outlasts the process of the operating system.
#[actor(name = "counter", upgrade)]
#[derive(Default, Serialize, Deserialize)]
pub struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    /// Returns the number of calls until now, this one included.
    #[call]
    pub fn count(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Returns the release.
    #[call]
    pub fn release(&self) -> String {
        "first".to_owned()
    }
}

/// The processes of the program.
#[supervisor]
pub struct Shop {
    #[child]
    counter: Counter,
}
