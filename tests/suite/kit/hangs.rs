//! Tests that hang: the report comes soon, and lists what the test and each process wait for.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Probe, pattern};

#[protocol]
#[derive(Debug)]
enum Job {
    Start,
    Price { reply: Reply<u64> },
}

/// Runs a check that hangs, within two seconds, and returns its report.
fn report(scenario: impl AsyncFn(Cluster)) -> String {
    let began = Instant::now();
    let check = || Check::nodes(3).run([7], scenario);
    let payload = std::panic::catch_unwind(AssertUnwindSafe(check)).expect_err("it fails");
    let report = *payload.downcast::<String>().expect("a text");
    // Two seconds, unless the machine is busy with other tests.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    report
}

#[test]
fn the_report_has_the_tests_own_await_and_the_time_of_its_last_step() {
    let place = std::sync::Mutex::new(String::new());
    let text = report(async |_| {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let worker = greenroom::spawn(|_: Mailbox<Job>| std::future::pending::<()>());
        *place.lock().unwrap() = format!("kit/hangs.rs:{})", line!() + 1);
        worker.ended().await;
    });
    assert!(text.contains("waits forever: the test itself has not run since 3"), "{text}");
    assert!(text.contains("the test itself: waiting for the end of <n0@test "), "{text}");
    let place = place.into_inner().unwrap();
    assert!(text.contains(&place), "{place}: {text}");
    assert!(!text.contains("A second run differs"), "{text}");
}

#[test]
fn the_report_has_each_kind_of_await() {
    let text = report(async |cluster| {
        let silent = greenroom::spawn(|mut mailbox: Mailbox<Job>| async move {
            receive!(match mailbox {
                Job::Start => {}
            });
        });
        JobRef::register("silent", &silent).unwrap();
        let far: JobRef = cluster.node(1).named_at("silent", "n0@test");
        let (first, second) = (silent.clone(), silent.clone());
        greenroom::spawn(move |_: Mailbox<Job>| async move { drop(first.ended().await) });
        greenroom::spawn(move |_: Mailbox<Job>| async move {
            tokio::join!(second.ended(), std::future::pending::<()>());
        });
        let _ = tokio::join!(silent.price().forever(), far.price().forever());
    });
    let (_, own) = text.split_once("the test itself: ").expect("a line");
    let (own, _) = own.split_once('\n').expect("more lines");
    assert!(own.contains("for the answer of <n0@test 1> to a call (`Job`)"), "{text}");
    assert!(own.contains("for the answer of a process on n0@test to a call (`Job`)"), "{text}");
    assert_eq!(text.matches("): waiting for the end of <n0@test ").count(), 2, "{text}");
    assert!(text.contains("): waiting at ") && text.contains(", messages saved: 2"), "{text}");
}

#[greenroom::test]
#[should_panic = "the test itself: waiting for the end of <n1@test "]
async fn a_test_that_waits_through_a_cluster_does_not_burn_a_month() {
    let cluster = Cluster::in_memory(2).await;
    let worker = cluster.node(1).scope(async { greenroom::spawn(|_: Mailbox<Job>| std::future::pending::<()>()) });
    worker.await.ended().await;
}

#[greenroom::test]
#[should_panic = "the test itself: waiting for something other than a process"]
async fn the_report_names_a_wait_for_a_channel() {
    let (_sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let _ = receiver.await;
}

#[greenroom::test]
#[should_panic = "the test itself: waiting for a message to <nonode@nohost "]
async fn the_report_names_a_wait_for_a_message() {
    let mut probe = Probe::<Job>::new().timeout(Duration::MAX);
    probe.expect(pattern!(Job::Start)).await;
}

#[greenroom::test(time_limit = "4h")]
async fn a_test_with_a_time_limit_may_wait_for_hours() {
    let cluster = Cluster::in_memory(2).await;
    tokio::time::sleep(Duration::from_secs(3 * 60 * 60)).await;
    assert_eq!(cluster.node(0).peers().len(), 1);
}

#[greenroom::test(time_limit = "10s")]
#[should_panic = "the test does not end: it waits forever: no process has run since 0ns"]
async fn a_test_that_takes_longer_than_its_limit_fails() {
    tokio::time::sleep(Duration::from_secs(11)).await;
}
