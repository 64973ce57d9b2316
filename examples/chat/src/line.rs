//! What people say: a line as it was said, and as it was written down.

use std::time::Duration;

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// The name of a room.
pub(crate) type Room = Text<64>;
/// What somebody is called in a room.
pub(crate) type Nick = Text<32>;
/// What somebody says.
pub(crate) type Words = Text<4096>;
/// What a line is known by, chosen by whoever says it: a line that is said again has the same.
pub(crate) type Id = Text<64>;

/// A line as it was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) room: Room,
    pub(crate) id: Id,
    pub(crate) nick: Nick,
    pub(crate) words: Words,
}

/// A line as it stands in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its place in the room's history: 1, 2, 3 and so on without a gap.
    pub(crate) number: u64,
    /// When it was written, in milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) line: Line,
}

/// A line on its way, and whoever waits to hear under which number it was written.
///
/// The duty to answer travels along: the room hands it to the database, which answers the speaker itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saying {
    pub(crate) line: Line,
    pub(crate) written: Reply<u64>,
}

/// How long to wait before asking again: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// Asks until there is an answer, whoever crashes or is cut off meanwhile. For questions that may be asked twice.
pub(crate) async fn insist<T: Send + 'static>(ask: impl Fn() -> Call<T>) -> T {
    let [mut pause, longest] = PAUSES;
    loop {
        if let Ok(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}
