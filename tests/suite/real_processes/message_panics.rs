//! A message of a real peer whose decoding panics.

use super::program::{LONG_TICK, Pair};

async fn check(listener_sends: bool) {
    let Pair { dialler, listener } = Pair::start("a@test", "b@test", LONG_TICK).await;
    let (mut sender, mut receiver) = if listener_sends { (listener, dialler) } else { (dialler, listener) };
    let (to, from) = (receiver.name().to_owned(), sender.name().to_owned());
    sender.command(&format!("watch far {to}")).await;
    sender.nth(1, &["far ready"]).await;
    let held = sender.begin("hold", &to, LONG_TICK).await;
    let key = sender.key();
    sender.command(&format!("parcel {key} {to}")).await;
    let error = sender.result(&key).await;
    assert!(error.contains("the parcel is damaged"), "{error}");
    assert_eq!(sender.send(&to, 10).await, "10");
    receiver.assert_served_by(&from).await;
    assert_eq!((sender.ups_and_downs(&to), receiver.ups_and_downs(&from)), ((1, 0), (1, 0)));
    assert_eq!((sender.lines("far").len(), sender.lines(&held)), (1, vec![]));
    sender.stop().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded_fails_alone() {
    tokio::join!(check(false), check(true));
}
