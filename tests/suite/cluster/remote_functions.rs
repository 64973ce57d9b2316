//! Functions that are called on other nodes.

use greenroom::prelude::*;
use greenroom::testing::{Cluster, Probe, pattern};
use greenroom::{CallErrorKind, multicall};

/// Returns the name of the node.
#[remote]
fn whereabouts() -> String {
    Node::current().name().to_string()
}

/// Divides, later.
#[remote]
async fn divide(dividend: i64, divisor: i64) -> Result<i64, String> {
    tokio::task::yield_now().await;
    if divisor == 0 { Err("division by zero".into()) } else { Ok(dividend / divisor) }
}

#[remote]
async fn fail(text: String) {
    panic!("{text}")
}

/// Is not exported.
#[remote]
fn hidden() {}

#[protocol]
enum Log {
    Began,
    Ended,
}

/// Notifies the log when it begins and when it is dropped.
#[remote]
async fn work(log: LogRef, time: Duration) {
    struct End(LogRef);
    impl Drop for End {
        fn drop(&mut self) {
            self.0.ended();
        }
    }
    let _end = End(log.clone());
    log.began();
    tokio::time::sleep(time).await;
}

/// Another release of the functions.
mod other {
    use super::*;

    #[remote]
    pub(super) async fn divide(dividend: i32, divisor: u8, rounded: Option<bool>) -> Result<i128, String> {
        let _ = rounded;
        Ok(i128::from(dividend) / i128::from(divisor))
    }

    #[remote]
    pub(super) fn fail(text: u64) {
        let _ = text;
    }
}

/// Runs the test with the first of so many nodes as the current one.
async fn on_first<R>(count: usize, test: impl AsyncFnOnce(Cluster) -> R) -> R {
    let cluster = Cluster::in_memory(count)
        .export::<whereabouts::Remote>()
        .export::<divide::Remote>()
        .export::<fail::Remote>()
        .export::<work::Remote>()
        .await;
    let node = cluster.node(0).clone();
    node.scope(test(cluster)).await
}

#[greenroom::test]
async fn a_function_runs_on_the_node() -> greenroom::Result {
    on_first(2, async |cluster: Cluster| {
        assert_eq!(whereabouts::on("n1@test").await?, "n1@test");
        assert_eq!(whereabouts::on("n0@test").await?, "n0@test", "on the own node, too");
        assert_eq!(divide::on("n1@test", 42, 6).await?, Ok(7));
        assert_eq!(divide::on("n1@test", 42, 0).within(Duration::from_secs(1)).await?, Err("division by zero".into()));
        assert_eq!((cluster.node(0).process_count(), cluster.node(1).process_count()), (0, 0));
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test(expect_crash)]
async fn each_failure_is_an_error_of_its_own() {
    on_first(2, async |_: Cluster| {
        let panicked = fail::on("n1@test", "boom".into()).await.unwrap_err();
        assert!(matches!(&panicked.kind, CallErrorKind::Exit(Exit::Panic { message, .. }) if **message == *"boom"));
        let hidden = hidden::on("n1@test").await.unwrap_err();
        assert_eq!(hidden.kind, CallErrorKind::NotExported("hidden".into()));
        assert_eq!(
            hidden.to_string(),
            r#"`hidden::on` on <n1@test "hidden">: the other node does not export `hidden`"#
        );
        assert_eq!(whereabouts::on("n5@test").await.unwrap_err().kind, CallErrorKind::NoConnection);
        assert_eq!(whereabouts::on("nowhere").await.unwrap_err().kind, CallErrorKind::NoConnection);
        let incompatible = other::fail::on("n1@test", 5).await.unwrap_err();
        let difference = "`fail`: field `text`: u64 was sent, String is expected";
        assert_eq!(incompatible.kind, CallErrorKind::Incompatible(difference.into()));
    })
    .await;
}

#[greenroom::test]
async fn parameters_and_answers_of_another_release_are_read_by_name() -> greenroom::Result {
    on_first(2, async |_: Cluster| {
        assert_eq!(other::divide::on("n1@test", 42, 6, None).await?, Ok(7));
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn a_function_ends_with_its_caller() -> greenroom::Result {
    on_first(2, async |cluster: Cluster| {
        for node in ["n1@test", "n0@test"] {
            let mut log = Probe::<Log>::new();
            let hour = Duration::from_secs(3600);
            // The call is dropped, reaches its time limit, or the caller exits.
            let call = work::on(node, log.stub(), hour);
            log.expect(pattern!(Log::Began)).await;
            drop(call);
            log.expect(pattern!(Log::Ended)).await;
            let late = work::on(node, log.stub(), hour).within(Duration::from_millis(50)).await.unwrap_err();
            assert_eq!(late.kind, CallErrorKind::Timeout);
            log.expect(pattern!(Log::Began)).await;
            log.expect(pattern!(Log::Ended)).await;
            let stub = log.stub();
            let caller = greenroom::spawn(move |_: Mailbox<Log>| async move {
                work::on(node, stub, hour).forever().await?;
                Ok::<(), Exit>(())
            });
            log.expect(pattern!(Log::Began)).await;
            caller.exit(Exit::kill());
            log.expect(pattern!(Log::Ended)).await;
            log.expect_nothing(Duration::from_secs(60)).await;
        }
        assert_eq!(cluster.node(1).process_count(), 0);
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn a_function_ends_with_the_connection_to_its_caller() {
    on_first(2, async |cluster: Cluster| {
        let mut log = Probe::<Log>::on(cluster.node(1));
        let call = work::on("n1@test", log.stub(), Duration::from_secs(3600)).forever();
        log.expect(pattern!(Log::Began)).await;
        cluster.partition([0], [1]);
        assert_eq!(call.await.unwrap_err().kind, CallErrorKind::NoConnection);
        log.expect(pattern!(Log::Ended)).await;
    })
    .await;
}

#[greenroom::test]
async fn a_function_is_called_on_several_nodes_at_once() {
    on_first(3, async |_: Cluster| {
        let nodes = ["n2@test", "n9@test", "n0@test", "n1@test"];
        let answers = multicall(nodes, |node| whereabouts::on(node)).await;
        let answers: Vec<_> =
            answers.into_iter().map(|(node, answer)| (node, answer.map_err(|error| error.kind))).collect();
        let expected = nodes
            .map(|node| (node, if node == "n9@test" { Err(CallErrorKind::NoConnection) } else { Ok(node.to_owned()) }));
        assert_eq!(answers, expected);
        // The time limits run at the same time.
        let mut log = Probe::<Log>::new();
        let begun = tokio::time::Instant::now();
        let hour = Duration::from_secs(3600);
        let late = multicall(["n1@test", "n2@test"], |node| work::on(node, log.stub(), hour)).await;
        assert!(late.iter().all(|(_, result)| result.is_err()));
        assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
        for _ in 0..2 {
            log.expect(pattern!(Log::Ended)).await;
        }
    })
    .await;
}
