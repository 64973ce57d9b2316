//! Probes: processes through which a test sends and receives.

use std::panic::AssertUnwindSafe;

use greenroom::prelude::*;
use greenroom::testing::{Cluster, Probe, pattern};
use tokio::time::Instant;

#[protocol]
#[derive(Debug)]
enum Mail {
    Post {
        priority: u8,
        body: String,
    },
    Ask {
        reply: Reply<u8>,
    },
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

/// The two messages of the test.
#[protocol]
enum Mute {
    Word { n: u8 },
    Other,
}

/// Returns the panic message of a future.
async fn panic_of(future: impl Future<Output = ()>) -> String {
    let mut future = std::pin::pin!(future);
    let payload =
        std::future::poll_fn(|cx| match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(std::task::Poll::Ready(())) => panic!("it did not panic"),
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Err(payload) => std::task::Poll::Ready(payload),
        })
        .await;
    *payload.downcast::<String>().expect("a text")
}

#[greenroom::test]
async fn a_probe_expects_by_pattern_and_leaves_the_rest_in_order() {
    let mut probe = Probe::<Mail>::new();
    let mail = probe.stub();
    for (priority, body) in [(1, "a"), (7, "b"), (2, "c"), (9, "d")] {
        mail.post(priority, body.into());
    }
    let urgent = probe.expect(pattern!(Mail::Post { priority, body } if priority > 3 => body)).await;
    assert_eq!(urgent, "b");
    probe.expect(pattern!(Mail::Post { priority: 8.., .. })).await;
    let mut rest = Vec::new();
    for _ in 0..2 {
        rest.push(probe.expect(pattern!(Mail::Post { body, .. } => body)).await);
    }
    assert_eq!(rest, ["a", "c"]);
    // A value may use surrounding variables.
    let answer = mail.ask();
    let seven = 7;
    probe.expect(pattern!(Mail::Ask { reply } => reply.send(seven))).await;
    assert_eq!(answer.await, Ok(7));
    // `receive!` reads from a probe too.
    mail.post(0, "e".into());
    let body = receive!(match probe {
        Mail::Post { body, .. } => body,
    });
    assert_eq!(body, "e");
    probe.expect_nothing(Duration::from_secs(3600)).await;
}

#[greenroom::test]
async fn a_failed_expect_shows_the_messages_that_came_instead() {
    let began = Instant::now();
    let mut probe = Probe::<Mail>::new();
    let mail = probe.stub();
    let text = panic_of(probe.expect(pattern!(Mail::Post { priority, .. } if priority > 3))).await;
    assert_eq!(text, "expected `Mail::Post { priority, .. } if priority > 3` within 5s; the mailbox is empty");
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    mail.post(1, "low".into());
    let mut probe = probe.timeout(Duration::from_secs(60));
    let text = panic_of(probe.expect(pattern!(Mail::Ask { .. }))).await;
    let expected = "expected `Mail::Ask { .. }` within 60s; in the mailbox:\n    Post { priority: 1, body: \"low\" }";
    assert_eq!(text, expected);
    // It was tested and not taken.
    let text = panic_of(probe.expect_nothing(Duration::from_secs(1))).await;
    assert!(text.contains("probes.rs:") && text.ends_with("expected no message for 1s, and `Post` came"), "{text}");
    for n in 0..20 {
        mail.post(n, String::new());
    }
    let text = panic_of(probe.expect(pattern!(Mail::Ask { .. }))).await;
    assert_eq!(text.lines().count(), 12);
    assert!(text.ends_with("\n    and 11 more"), "{text}");

    let mut mute = Probe::<Mute>::new();
    mute.stub().word(1);
    let text = panic_of(mute.expect(pattern!(Mute::Other))).await;
    assert!(text.ends_with("in the mailbox:\n    Word { n: 1 }"), "{text}");
    mute.expect(pattern!(Mute::Word { n: 1 })).await;
}

#[greenroom::test]
async fn a_probe_starts_and_ends_like_any_process() {
    let mut watcher = Probe::<Mail>::new();
    watcher.trap_exit(true);
    let [returned, ended, mut killed, linked] = [(); 4].map(|()| Probe::<Mail>::new());
    let watches = [&returned, &ended, &killed].map(|probe| watcher.monitor(&probe.stub()));
    watcher.link(&linked.stub());
    drop(returned);
    let reason = watcher.expect(pattern!(Mail::Down(down) if down.monitor == watches[0] => down.reason)).await;
    assert_eq!(reason, Exit::Normal);
    let stub = ended.stub();
    ended.end(Exit::error("enough")).await;
    assert_eq!(stub.ended().await, Exit::error("enough"));
    let reason = watcher.expect(pattern!(Mail::Down(down) if down.monitor == watches[1] => down.reason)).await;
    assert_eq!(reason, Exit::error("enough"));
    killed.stub().exit(Exit::Kill);
    let reason = watcher.expect(pattern!(Mail::Down(down) if down.monitor == watches[2] => down.reason)).await;
    assert_eq!(reason, Exit::Killed);
    let text = panic_of(killed.expect(pattern!(Mail::Ask { .. }))).await;
    assert!(text.contains("an exit signal has ended the probe"), "{text}");
    linked.end(Exit::error("together")).await;
    let received = watcher.expect(pattern!(Mail::Exit(signal) => signal.reason)).await;
    assert_eq!(received, Exit::error("together"));
}

#[greenroom::test]
async fn a_probe_is_reached_from_another_node() {
    let cluster = Cluster::in_memory(2).await;
    let mut probe = Probe::<Mail>::on(cluster.node(0));
    cluster.node(0).scope(async { MailRef::register("probe", &probe.stub()) }).await.unwrap();
    let far: MailRef = cluster.node(1).named_at("probe", "n0@test");
    far.post(3, "from afar".into());
    probe.expect(pattern!(Mail::Post { priority: 3, body } if body == "from afar")).await;
    let answer = far.ask();
    probe.expect(pattern!(Mail::Ask { reply } => reply.send(1))).await;
    assert_eq!(answer.await, Ok(1));
}
