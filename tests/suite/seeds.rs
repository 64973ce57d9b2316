//! Scenarios that must hold in every schedule and under every connection fault.
//!
//! Twenty seeds each in the normal test run; a thousand with `GREENROOM_TEST_SEEDS=1000`, see CONTRIBUTING.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use greenroom::StartError;
use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Faults, Probe, pattern};

const SEEDS: std::ops::Range<u64> = 0..20;

/// Receives `Down`s and node events.
#[protocol]
enum Watch {
    #[from]
    Down(Down),
    #[from]
    Node(NodeEvent),
}

/// Counts its messages, and ends in every possible way.
#[actor]
struct Worker {
    log: Arc<Mutex<Vec<String>>>,
    name: &'static str,
    count: u64,
}

#[actor]
impl Worker {
    #[init]
    async fn begin(&mut self) {
        tokio::task::yield_now().await;
        self.log.lock().unwrap().push(format!("start {}", self.name));
    }

    #[call]
    async fn count(&mut self) -> u64 {
        self.count += 1;
        tokio::task::yield_now().await;
        self.count
    }

    #[cast]
    fn end(&mut self, reason: Exit) -> Result<(), Exit> {
        Err(reason)
    }

    #[cast]
    fn panic(&mut self) {
        panic!("words");
    }
}

/// One child of each kind. Later children depend on earlier ones.
#[supervisor(strategy = rest_for_one, intensity = 1000, period = "1s")]
struct Shop {
    log: Arc<Mutex<Vec<String>>>,
    #[child(start = Worker { log: Arc::clone(&self.log), name: "a", count: 0 })]
    a: Worker,
    #[child(start = Worker { log: Arc::clone(&self.log), name: "b", count: 0 }, shutdown = "1s")]
    b: Worker,
    #[child(start = Worker { log: Arc::clone(&self.log), name: "c", count: 0 }, shutdown = kill)]
    c: Worker,
}

#[test]
fn a_tree_is_complete_again_after_random_kills() {
    Check::nodes(1).run(SEEDS, async |cluster| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let tree = Shop { log: Arc::clone(&log) }.start().await?;
        assert_eq!(*log.lock().unwrap(), ["start a", "start b", "start c"]);
        let mut watcher = Probe::<Watch>::new();
        let mut watches = Vec::new();
        let mut calls = Vec::new();
        for _ in 0..30 {
            let child = [tree.a(), tree.b(), tree.c()][cluster.draw(3) as usize].clone();
            watches.push(watcher.monitor(&child));
            match cluster.draw(8) {
                0 => drop(child.panic()),
                1 => drop(child.end(Exit::Normal)),
                2 => drop(child.end(Exit::error("enough"))),
                3 => child.exit(Exit::Kill),
                4 => child.exit(Exit::error("from outside")),
                5 => tokio::time::sleep(Duration::from_millis(cluster.draw(3))).await,
                _ => calls.push(child.count().within(Duration::from_secs(30))),
            }
        }
        // Every call resolves, and no incarnation continues the count of the previous one.
        for call in calls {
            assert!(
                !matches!(call.await, Err(CallError { kind: CallErrorKind::Timeout, .. })),
                "a call without an answer"
            );
        }
        // A process ends on request, and another one takes its slot.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let children = tree.children().await?;
        assert!(children.iter().all(|child| child.pid.is_some()), "{children:?}");
        assert_eq!(
            children.iter().map(|child| child.pid.clone()).collect::<Vec<_>>(),
            [tree.a().pid(), tree.b().pid(), tree.c().pid()]
        );
        for child in [tree.a(), tree.b(), tree.c()] {
            child.count().await?;
        }
        // A child started after the last start of every child before it.
        let last = |name: &str| log.lock().unwrap().iter().rposition(|line| *line == format!("start {name}"));
        assert!(last("a") < last("b") && last("b") < last("c"), "{:?}", log.lock().unwrap());
        // Each monitor reports one exit, at the latest when everything stops.
        assert_eq!(tree.stop().await, Exit::shutdown());
        for watch in watches {
            watcher.expect(pattern!(Watch::Down(down) if down.monitor == watch)).await;
        }
        watcher.expect_nothing(Duration::from_secs(10)).await;
        assert_eq!(cluster.node(0).process_count(), 1, "the probe alone is left");
        Ok::<(), Exit>(())
    });
}

/// Records each message with its sender.
#[actor(name = "recorder")]
#[derive(Default)]
struct Recorder {
    notes: BTreeMap<u64, Vec<u64>>,
}

#[actor]
impl Recorder {
    #[cast]
    fn note(&mut self, from: u64, n: u64, words: String) {
        assert!(words == wordy(n, words.len()), "a text of another message");
        self.notes.entry(from).or_default().push(n);
    }

    /// The call form: answers with the same value.
    #[call]
    fn echo(&mut self, from: u64, n: u64) -> u64 {
        self.notes.entry(from).or_default().push(n);
        n
    }

    #[call]
    fn notes(&self) -> BTreeMap<u64, Vec<u64>> {
        self.notes.clone()
    }
}

/// The text of the `n`th message.
fn wordy(n: u64, length: usize) -> String {
    char::from(b'a' + (n % 26) as u8).to_string().repeat(length)
}

/// Sends this many rounds to the recorder: casts, some in many fragments, and calls in one order, and a monitor for each ten.
async fn talk(
    mut mailbox: Mailbox<Watch>,
    from: u64,
    recorder: RecorderRef,
    rounds: u64,
    cluster: Cluster,
    done: Arc<Mutex<u64>>,
) {
    let mut watches = Vec::new();
    mailbox.watch_nodes(true);
    for n in 0..rounds {
        // No other process ran between this and a new monitor: the node event of the loss comes after the `Down`s of all
        // existing monitors.
        let lost = |event: &NodeEvent| matches!(event, NodeEvent::Down(id) if id.name.as_str() == "n0@test");
        while let Some(lost) = receive!(match mailbox {
            Watch::Node(event) => Some(lost(&event)),
            after!(Duration::ZERO) => None,
        }) {
            for watch in if lost { std::mem::take(&mut watches) } else { Vec::new() } {
                assert!(!ends(&mut mailbox, watch).await, "a watch outlives its connection");
            }
        }
        if n % 10 == 0 {
            watches.push(mailbox.monitor(&recorder));
        }
        if n % 3 == 0 {
            match recorder.echo(from, n).within(Duration::from_secs(20)).await {
                Ok(answer) => assert_eq!(answer, n, "an answer to another call"),
                Err(CallError {
                    kind:
                        CallErrorKind::NoConnection
                        | CallErrorKind::Timeout
                        | CallErrorKind::NoProc
                        | CallErrorKind::Exit(_),
                    ..
                }) => {}
                Err(error) => panic!("{error}"),
            }
        } else {
            let length = if cluster.draw(20) == 0 { cluster.draw(400_000) } else { cluster.draw(100) };
            drop(recorder.note(from, n, wordy(n, length as usize)));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    for watch in watches {
        ends(&mut mailbox, watch).await;
    }
    *done.lock().unwrap() += 1;
}

/// Removes a monitor and returns whether it was live. If not, it has reported one exit.
async fn ends(mailbox: &mut Mailbox<Watch>, watch: MonitorRef) -> bool {
    let live = mailbox.demonitor_only(watch);
    let mut downs = 0;
    while receive!(match mailbox {
        Watch::Down(down) if down.monitor == watch => true,
        after!(Duration::ZERO) => false,
    }) {
        downs += 1;
    }
    assert_eq!(downs, u32::from(!live), "a monitor reports one end, or its process is running");
    live
}

async fn boot(node: Node) -> Result<(), StartError> {
    if node.name().as_str() == "n0@test" {
        Recorder::default().start().await?;
    }
    Ok(())
}

/// Checks all that arrived: in order from each sender, nothing twice.
fn in_order(notes: &BTreeMap<u64, Vec<u64>>) {
    for (from, notes) in notes {
        assert!(notes.is_sorted_by(|a, b| a < b), "{from}: {notes:?}");
    }
}

async fn talkers(cluster: &Cluster, rounds: u64) -> (Vec<WatchRef>, Arc<Mutex<u64>>) {
    let done = Arc::new(Mutex::new(0));
    let mut talkers = Vec::new();
    for from in 0..4 {
        let node = cluster.node(1 + from as usize % 2).clone();
        let recorder: RecorderRef = node.named_at("recorder", "n0@test");
        let (cluster, done) = (cluster.clone(), Arc::clone(&done));
        let _here = node.enter();
        talkers.push(greenroom::spawn(move |mailbox: Mailbox<Watch>| {
            talk(mailbox, from, recorder, rounds, cluster, done)
        }));
    }
    (talkers, done)
}

#[test]
fn links_that_fail_lose_no_order_no_answer_and_no_end() {
    Check::nodes(3).boot(boot).run(SEEDS, async |cluster| {
        let (talkers, done) = talkers(&cluster, 120).await;
        cluster.chaos(Faults::LINKS, Duration::from_secs(60)).await;
        for talker in talkers {
            assert_eq!(talker.ended().await, Exit::Normal);
        }
        assert_eq!(*done.lock().unwrap(), 4);
        in_order(&cluster.node(0).named::<RecorderRef>("recorder").notes().await?);
        // Everything is as at the start.
        let far: RecorderRef = cluster.node(2).named_at("recorder", "n0@test");
        assert_eq!(far.echo(9, 1).await, Ok(1));
        Ok::<(), Exit>(())
    });
}

#[test]
fn a_server_that_crashes_with_its_node_is_found_again_over_links_that_fail() {
    Check::nodes(3).boot(boot).run(SEEDS, async |cluster| {
        let (talkers, done) = talkers(&cluster, 60).await;
        let crashes = async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(cluster.draw(8_000))).await;
                cluster.crash(0);
                tokio::time::sleep(Duration::from_millis(cluster.draw(3_000))).await;
                cluster.restart(0).await;
            }
        };
        tokio::join!(crashes, cluster.chaos(Faults::LINKS, Duration::from_secs(30)));
        for talker in talkers {
            assert_eq!(talker.ended().await, Exit::Normal);
        }
        assert_eq!(*done.lock().unwrap(), 4);
        cluster.connected().await;
        in_order(&cluster.node(0).named::<RecorderRef>("recorder").notes().await?);
        Ok::<(), Exit>(())
    });
}
