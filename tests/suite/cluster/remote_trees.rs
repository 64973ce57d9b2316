//! Trees and applications that are started on other nodes.

use greenroom::prelude::*;
use greenroom::testing::{Cluster, Probe, pattern};
use greenroom::{Application, ApplicationError, ApplicationKind, ChildError, SpawnError, StartOnError};
use serde::{Deserialize, Serialize};

/// Counts amounts of one currency.
#[actor(trap_exit)]
#[derive(Clone)]
struct Ledger {
    currency: String,
    total: u64,
    log: Option<LogRef>,
}

#[actor]
impl Ledger {
    #[init]
    fn open(&mut self) -> Result<(), Exit> {
        if self.currency.is_empty() { Err(Exit::error("no currency")) } else { Ok(()) }
    }

    #[call]
    fn add(&mut self, amount: u64) -> (String, u64, String) {
        self.total += amount;
        (self.currency.clone(), self.total, Node::current().name().to_string())
    }

    #[cast]
    fn fail(&mut self) -> Result<(), Exit> {
        Err(Exit::error("a failure"))
    }

    #[exit]
    fn exit(&mut self, _: ExitSignal) {}

    #[terminate]
    fn close(&mut self, _: &Exit) {
        if let Some(log) = &self.log {
            log.line(format!("{} closed", self.currency));
        }
    }
}

/// The lines that ledgers write.
#[protocol]
#[derive(Debug)]
enum Log {
    Line(String),
}

fn ledger(currency: &str, log: Option<&LogRef>) -> Ledger {
    Ledger { currency: currency.to_owned(), total: 0, log: log.cloned() }
}

#[supervisor(intensity = 5)]
#[derive(Serialize, Deserialize)]
struct BillingTree {
    currency: String,
    log: Option<LogRef>,
    #[child(start = ledger(&self.currency, self.log.as_ref()))]
    ledger: Ledger,
    #[child(supervisor, start = Archive {})]
    archive: Archive,
    #[child(dynamic)]
    drafts: Ledger,
}

#[supervisor]
struct Archive {
    #[child(start = ledger("old", None))]
    ledger: Ledger,
}

/// Another release of the tree.
mod other {
    use super::*;

    #[supervisor]
    #[derive(Serialize, Deserialize)]
    pub(super) struct BillingTree {
        pub(super) currency: u64,
        #[child(start = ledger("?", None))]
        ledger: Ledger,
    }
}

/// A tree that no node exports.
#[supervisor]
#[derive(Serialize, Deserialize)]
struct Hidden {}

fn billing(currency: &str) -> BillingTree {
    BillingTree { currency: currency.to_owned(), log: None }
}

/// Runs the test with the first of two nodes as the current one.
async fn on_first<R>(test: impl AsyncFnOnce(Cluster) -> R) -> R {
    let cluster = Cluster::in_memory(2).export::<BillingTree>().await;
    let node = cluster.node(0).clone();
    node.scope(test(cluster)).await
}

#[greenroom::test(expect_crash)]
async fn a_tree_runs_on_the_other_node_and_its_stubs_work_here() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let tree = billing("EUR").start_on("n1@test").await?;
        let place = |currency: &str, total| (currency.to_owned(), total, "n1@test".to_owned());
        assert_eq!(tree.ledger().add(5).await?, place("EUR", 5));
        assert_eq!(tree.archive().ledger().add(7).await?, place("old", 7));
        // Following stubs: they reach the next incarnation, of a nested tree, too.
        let gone = tree.ledger().ended();
        tree.ledger().fail();
        assert_eq!(gone.await, Exit::error("a failure"));
        assert_eq!(tree.ledger().add(1).await?, place("EUR", 1));
        tree.archive().supervisor().exit(Exit::kill());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(tree.archive().ledger().add(2).await?, place("old", 2));
        // A request that contains code stays on the node.
        let refused = tree.drafts().start_child(ledger("CHF", None)).await.unwrap_err();
        assert!(matches!(refused, ChildError::RemoteSupervisor), "{refused:?}");
        assert!(tree.drafts().children().await?.is_empty());
        let ids: Vec<_> = tree.children().await?.into_iter().map(|child| child.id).collect();
        assert_eq!(ids, ["ledger", "archive", "drafts"]);
        assert_eq!(cluster.node(0).process_count(), 0);
        assert_eq!(tree.stop().await, Exit::shutdown());
        assert_eq!(cluster.node(1).process_count(), 0);
        // On the caller's own node no request is needed.
        assert_eq!(billing("USD").start_on("n0@test").await?.ledger().add(1).await?.2, "n0@test");
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn each_reason_for_which_no_tree_starts_is_an_error_of_its_own() {
    on_first(async |cluster: Cluster| {
        assert_eq!(billing("EUR").start_on("n7@test").await.map(drop), Err(SpawnError::NoConnection));
        assert!(matches!(billing("EUR").start_on("nowhere").await, Err(SpawnError::Name(_))));
        let refused = Hidden {}.start_on("n1@test").await.unwrap_err();
        assert_eq!(refused, SpawnError::NotExported("Hidden".into()));
        let refused = other::BillingTree { currency: 7 }.start_on("n1@test").await.unwrap_err();
        let difference = "`BillingTree`: field `currency`: u64 was sent, String is expected";
        assert_eq!(refused, SpawnError::Incompatible(difference.into()));
        let Err(SpawnError::Start(error)) = billing("").start_on("n1@test").await else { panic!("it cannot start") };
        assert_eq!((&*error.child, error.reason), ("ledger", Exit::error("no currency")));
        assert_eq!(cluster.node(1).process_count(), 0);
    })
    .await;
}

#[greenroom::test]
async fn an_application_belongs_to_the_node_on_which_it_was_started() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let mut log = Probe::<Log>::new();
        let tree = |currency: &str| BillingTree { log: Some(log.stub()), ..billing(currency) };
        let bank = Application::new("bank", tree("USD")).start_on("n1@test").await?;
        let billing = Application::new("billing", tree("EUR")).after("bank").transient().start_on("n1@test").await?;
        assert_eq!((billing.ledger().add(5).await?.1, bank.ledger().add(6).await?.1), (5, 6));
        let listed: Vec<_> = cluster.node(1).applications().into_iter().map(|app| (app.name, app.kind)).collect();
        assert_eq!(
            listed,
            [("bank".into(), ApplicationKind::Temporary), ("billing".into(), ApplicationKind::Transient)]
        );
        assert!(cluster.node(0).applications().is_empty());
        // The errors are those of that node.
        let error = |started: Result<BillingTreeRef, StartOnError>| started.unwrap_err();
        let taken = Application::new("bank", tree("CHF")).start_on("n1@test").await;
        assert_eq!(error(taken), StartOnError::Application(ApplicationError::AlreadyStarted("bank".into())));
        let early = Application::new("shop", tree("CHF")).after("storage").start_on("n1@test").await;
        assert_eq!(
            error(early).to_string(),
            "application `shop` depends on `storage`, which is not running: start it first"
        );
        let failed = error(Application::new("shop", tree("")).start_on("n1@test").await);
        assert!(matches!(&failed, StartOnError::Application(ApplicationError::Tree { .. })), "{failed:?}");
        let far = Application::new("shop", tree("CHF")).start_on("n9@test").await;
        assert_eq!(error(far), StartOnError::Request(SpawnError::NoConnection));
        let local = Application::new("shop", tree("CHF")).start_on("n0@test").await?;
        assert_eq!(local.ledger().add(1).await?.2, "n0@test");
        // It stops with its node, in order.
        cluster.node(1).stop().await;
        let line = || pattern!(Log::Line(line) => line);
        assert_eq!((log.expect(line()).await, log.expect(line()).await), ("EUR closed".into(), "USD closed".into()));
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn an_application_continues_when_the_connection_is_lost() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let tree = Application::new("billing", billing("EUR")).start_on("n1@test").await?;
        tree.ledger().add(5).await?;
        cluster.partition([0], [1]);
        assert!(matches!(tree.ledger().add(1).await, Err(CallError { kind: CallErrorKind::NoConnection, .. })));
        cluster.heal_all();
        cluster.connected().await;
        assert_eq!(tree.ledger().add(1).await?.1, 6);
        Ok::<(), Exit>(())
    })
    .await
}
