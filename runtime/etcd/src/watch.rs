//! The changes of the claims: a snapshot, and a stream of what follows it.

use std::convert::Infallible;
use std::time::Duration;

use greenroom::registry::{Change, Changes, Claim, RegistryError};
use serde_json::json;
use tokio::time::timeout;

use crate::answer::{KeyValue, Kind, Range, Watched, base64};
use crate::client::Client;
use crate::entry;
use crate::error::Failure;

/// The keys of one answer of a snapshot. With values of the greatest length they take 6 MiB.
const PAGE: usize = 256;
/// The most claims of a snapshot.
const MOST: usize = 1 << 20;

/// Reports all claims, and then their changes. Returns the reason for the end.
pub(crate) async fn watch(
    client: &Client,
    prefix: &str,
    silence: Duration,
    changes: &mut Changes<'_>,
) -> RegistryError {
    let Err(error) = run(client, prefix, silence, changes).await;
    error
}

async fn run(
    client: &Client,
    prefix: &str,
    silence: Duration,
    changes: &mut Changes<'_>,
) -> Result<Infallible, RegistryError> {
    let mut member = 0;
    loop {
        let (claims, revision) = snapshot(client, prefix).await?;
        changes.report(Change::All(claims));
        let mut position = Position { prefix, next: revision + 1, has_warned: false };
        // Streams that failed without a change, one after another.
        let mut failed = 0;
        loop {
            let before = position.next;
            match follow(client, &mut member, &mut position, silence, changes).await {
                End::Compacted => break,
                End::Silent => failed = 0,
                End::Failed(_) if position.next > before => failed = 0,
                End::Failed(failure) if failed == client.members().len() => return Err(failure.into()),
                End::Failed(_) => failed += 1,
            }
            member += 1;
        }
    }
}

/// The end of a stream.
enum End {
    /// The next revision does not exist any more.
    Compacted,
    /// Nothing has arrived for a while. Either nothing happened, or the member is stalled.
    Silent,
    /// The stream or the member has failed.
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> End {
        End::Failed(failure)
    }
}

/// Opens a stream at this member or a later one, and reports its changes until it ends.
async fn follow(
    client: &Client,
    member: &mut usize,
    position: &mut Position<'_>,
    silence: Duration,
    changes: &mut Changes<'_>,
) -> End {
    let request = json!({ "create_request": {
        "key": base64(start_of(position.prefix)),
        "range_end": base64(entry::end_of(position.prefix)),
        "start_revision": position.next.to_string(),
        "progress_notify": true,
        "fragment": true,
    } });
    let (mut message, mut lines, index) = match client.open::<Watched>("watch", &request, *member).await {
        Ok(opened) => opened,
        Err(failure) => return failure.into(),
    };
    *member = index;
    loop {
        match position.apply(message) {
            Ok(applied) => applied.into_iter().for_each(|change| changes.report(change)),
            Err(end) => return end,
        }
        message = match timeout(silence, lines.next()).await {
            Ok(Ok(message)) => message,
            Ok(Err(failure)) => return failure.into(),
            Err(_) => return End::Silent,
        };
    }
}

/// The place in the history of the store up to which changes have been reported.
struct Position<'a> {
    prefix: &'a str,
    /// The first revision whose changes have not been reported.
    next: u64,
    /// A key that is not a claim has been logged.
    has_warned: bool,
}

impl Position<'_> {
    /// Returns the changes in a message, or the end of the stream that the message is.
    fn apply(&mut self, message: Watched) -> Result<Vec<Change>, End> {
        if message.compact_revision > 0 {
            return Err(End::Compacted);
        }
        if message.canceled {
            return Err(Failure::NoAnswer(format!("the watch was cancelled: {}", message.cancel_reason)).into());
        }
        match message.events.last() {
            // A further message may have changes of this revision. A repeated change does no harm.
            Some(last) if message.fragment => self.next = last.kv.mod_revision,
            Some(last) => self.next = last.kv.mod_revision + 1,
            // The first message has the revision of the member, which may lie before `next`.
            None if message.created => {}
            // All changes up to this revision have been sent.
            None => self.next = self.next.max(message.header.revision + 1),
        }
        Ok(message.events.iter().filter_map(|event| self.change(event.kind, &event.kv)).collect())
    }

    fn change(&mut self, kind: Kind, found: &KeyValue) -> Option<Change> {
        let claim = if kind == Kind::Put { entry::decode(self.prefix, found) } else { None };
        if kind == Kind::Put && claim.is_none() {
            warn_once(&mut self.has_warned, self.prefix, found);
        }
        claim.map(Change::Claimed).or_else(|| Some(Change::Ended(entry::decode_key(self.prefix, &found.key)?)))
    }
}

/// Reads all claims, and the revision at which they existed.
async fn snapshot(client: &Client, prefix: &str) -> Result<(Vec<Claim>, u64), RegistryError> {
    let mut claims = Vec::new();
    let mut start = start_of(prefix);
    let mut revision = 0;
    let mut has_warned = false;
    loop {
        let request = json!({
            "key": base64(&start),
            "range_end": base64(entry::end_of(prefix)),
            "limit": PAGE.to_string(),
            "revision": revision.to_string(),
        });
        let page: Range = client.call("kv/range", &request).await?;
        if revision == 0 {
            revision = page.header.revision;
        }
        for found in &page.kvs {
            match entry::decode(prefix, found) {
                Some(claim) => claims.push(claim),
                None => warn_once(&mut has_warned, prefix, found),
            }
        }
        match page.kvs.last() {
            Some(last) if page.more => start = [&last.key[..], &[0]].concat(),
            _ => return Ok((claims, revision)),
        }
        if claims.len() > MOST {
            return Err(RegistryError::Refused(format!(
                "more than {MOST} claims begin with `{}`",
                prefix.escape_debug()
            )));
        }
    }
}

/// Returns the first key with the prefix, as etcd defines it.
fn start_of(prefix: &str) -> Vec<u8> {
    if prefix.is_empty() { vec![0] } else { prefix.into() }
}

/// Logs a key with the prefix that is not a claim, once for each snapshot.
fn warn_once(has_warned: &mut bool, prefix: &str, found: &KeyValue) {
    if !std::mem::replace(has_warned, true) {
        let key = String::from_utf8_lossy(&found.key[..found.key.len().min(255)]);
        tracing::warn!(prefix, key = %key.escape_debug(), "ignored a key of etcd that is not a claim");
    }
}

#[cfg(test)]
mod tests {
    use greenroom::NodeId;
    use serde_json::Value;

    use super::*;

    /// The changes in a message, as texts, or the end, and the next revision.
    fn apply(next: u64, message: Value) -> (Vec<String>, u64) {
        let mut position = Position { prefix: "shop/", next, has_warned: false };
        let message = serde_json::from_value(message).expect("it is a message of a watch");
        let texts = match position.apply(message) {
            Ok(changes) => changes.iter().map(text).collect(),
            Err(End::Compacted) => vec!["compacted".into()],
            Err(End::Failed(failure)) => vec![failure.to_string()],
            Err(End::Silent) => vec!["silent".into()],
        };
        (texts, position.next)
    }

    fn text(change: &Change) -> String {
        match change {
            Change::Claimed(claim) => format!("{} of {} at {}", claim.key, claim.node, claim.token),
            Change::Ended(key) => format!("{key} ended"),
            Change::All(claims) => format!("{} claims", claims.len()),
        }
    }

    fn put(key: &str, revision: u64) -> Value {
        let node = NodeId { name: "a@one".parse().expect("it is a name"), incarnation: 1 };
        let (key, value) = entry::encode("shop/", &node, key, &[]).expect("it fits");
        json!({ "kv": { "key": key, "value": value, "mod_revision": revision.to_string() } })
    }

    fn delete(key: &str, revision: u64) -> Value {
        let key = entry::encode_key("shop/", key);
        json!({ "type": "DELETE", "kv": { "key": key, "mod_revision": revision.to_string() } })
    }

    #[test]
    fn a_message_moves_the_watch_behind_its_last_revision() {
        let (changes, next) = apply(5, json!({ "events": [put("mail", 6), delete("mail", 7), put("log", 7)] }));
        assert_eq!(changes, ["mail of a@one at 6", "mail ended", "log of a@one at 7"]);
        assert_eq!(next, 8);
    }

    #[test]
    fn a_revision_in_several_messages_is_read_again_after_a_loss_in_between() {
        assert_eq!(apply(5, json!({ "fragment": true, "events": [delete("mail", 7)] })).1, 7);
    }

    #[test]
    fn a_member_that_lags_behind_does_not_move_the_watch_back() {
        assert_eq!(apply(9, json!({ "created": true, "header": { "revision": "4" } })), (vec![], 9));
        assert_eq!(apply(9, json!({ "header": { "revision": "4" } })), (vec![], 9));
        assert_eq!(apply(9, json!({ "header": { "revision": "40" } })), (vec![], 41));
    }

    #[test]
    fn a_compacted_or_cancelled_watch_has_ended() {
        assert_eq!(apply(5, json!({ "canceled": true, "compact_revision": "9" })).0, ["compacted"]);
        let (end, next) = apply(5, json!({ "canceled": true, "cancel_reason": "no leader" }));
        assert_eq!((end, next), (vec!["the watch was cancelled: no leader".into()], 5));
    }

    #[test]
    fn a_key_that_is_overwritten_with_something_else_is_not_claimed_any_more() {
        let other = json!({ "kv": { "key": base64("shop/mail"), "value": base64("x"), "mod_revision": "6" } });
        assert_eq!(apply(5, json!({ "events": [other] })), (vec!["mail ended".into()], 7));
    }
}
