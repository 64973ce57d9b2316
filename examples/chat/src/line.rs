//! The chat's data: a line as a client sends it, and as the history stores it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// The name of a room.
pub(crate) type Room = Text<64>;
/// A person's name in a room.
pub(crate) type Nick = Text<32>;
/// The text of a line.
pub(crate) type Words = Text<4096>;
/// The identity of a line, chosen by the client. A line that is sent again keeps its id.
pub(crate) type Id = Text<64>;

/// A line as a client sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) room: Room,
    pub(crate) id: Id,
    pub(crate) nick: Nick,
    pub(crate) words: Words,
}

/// A line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The line's number in its room: 1, 2, 3 and so on without a gap, the same on all nodes.
    pub(crate) number: u64,
    /// The time of writing, in milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) line: Line,
}

/// Returns the time in milliseconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// The delay before a repeated call: the first one and the longest one.
const RETRY_DELAYS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// Repeats a call until it is answered, also when the callee crashes or its node is lost. Only for calls that may be
/// executed twice.
pub(crate) async fn call_until_answered<T: Send + 'static>(call: impl Fn() -> Call<T>) -> T {
    let [mut delay, longest] = RETRY_DELAYS;
    loop {
        if let Ok(answer) = call().await {
            return answer;
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(longest);
    }
}
