//! Scenarios over many seeds: passes, reports, and that one seed always gives the same steps.

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::process::Command;
use std::sync::Mutex;

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Faults, Probe, pattern};

#[protocol]
#[derive(Debug)]
enum Note {
    Say { word: u8 },
}

/// Returns the report of a failing check.
fn report(check: impl FnOnce()) -> String {
    let payload = std::panic::catch_unwind(AssertUnwindSafe(check)).expect_err("it fails");
    *payload.downcast::<String>().expect("a text")
}

/// The order of the first messages of three processes.
async fn race() -> u8 {
    let mut probe = Probe::<Note>::new();
    for word in 0..3 {
        let to = probe.stub();
        greenroom::spawn(move |_: Mailbox<Note>| async move { to.say(word).await });
    }
    probe.expect(pattern!(Note::Say { word } => word)).await
}

#[test]
fn each_seed_is_run_and_orders_differ() {
    let seen = Mutex::new(Vec::new());
    Check::nodes(1).run(0..20, async |_| {
        let first = race().await;
        seen.lock().unwrap().push(first);
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 20);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 3, "{seen:?}");
}

#[test]
fn the_smallest_failing_seed_is_reported_with_its_command() {
    let run = Mutex::new(0);
    let race = async |_| {
        *run.lock().unwrap() += 1;
        assert_ne!(race().await, 2, "two was first");
    };
    let first = report(|| Check::nodes(1).run((0..20).rev(), race));
    // A failing seed is run twice.
    let seed = *run.lock().unwrap() - 2;
    assert!(first.starts_with(&format!("seed {seed} fails, at step ")), "{first}");
    assert!(first.contains("after its start: ") && first.contains("two was first"), "{first}");
    let command = format!("GREENROOM_TEST_SEED={seed} cargo test");
    let test = "--test suite kit::checks::the_smallest_failing_seed_is_reported_with_its_command -- --exact";
    assert!(first.contains(&command), "{first}");
    assert!(first.contains(test) || std::thread::current().name() == Some("main"), "{first}");
    assert!(first.ends_with(&format!("\n{seed} smaller seeds passed.")), "{first}");
    assert_eq!(report(|| Check::nodes(1).run(0..20, race)), first, "to the step");
}

#[test]
fn an_error_a_hang_and_an_endless_run_fail() {
    let error = report(|| greenroom::check([7], async |_| Err::<(), _>(Exit::error("no luck"))));
    assert!(error.starts_with("seed 7 fails") && error.contains("returned an error: no luck"), "{error}");
    let waits = report(|| {
        Check::nodes(1).run([7], async |_| {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let mute = greenroom::spawn(|_: Mailbox<Note>| std::future::pending::<()>());
            mute.ended().await;
        });
    });
    assert!(waits.contains("waits forever: no process has run since 3"), "{waits}");
    assert!(waits.contains("): waiting for something other than a message\n"), "{waits}");
    let runs = report(|| {
        Check::nodes(1).run([7], async |_| -> () {
            loop {
                tokio::task::yield_now().await;
            }
        });
    });
    assert!(
        runs.contains("seed 7 fails, at step 1000000, 0ns after") && runs.contains("some processes never stop running"),
        "{runs}"
    );
}

/// Calls a process that never answers.
#[protocol]
enum Ask {
    What { reply: Reply<u8> },
}

#[test]
fn a_hang_is_reported_with_the_place_of_each_process() {
    let line = Mutex::new(0);
    let report_text = report(|| {
        Check::nodes(1).run([7], async |_| {
            *line.lock().unwrap() = line!() + 2;
            let mute = greenroom::spawn(|mut mailbox: Mailbox<Ask>| async move {
                receive!(match mailbox {
                    Ask::What { reply } if false => drop(reply),
                });
            });
            let caller = greenroom::spawn(|_: Mailbox<Note>| async move {
                let _ = mute.what().forever().await;
            });
            caller.ended().await;
        });
    });
    let place = format!("waiting at {}:{}, messages saved: 1\n", file!(), line.into_inner().unwrap());
    assert!(report_text.contains(&place), "{place}: {report_text}");
    let line = report_text.lines().find(|line| line.contains(place.trim_end())).unwrap();
    let (mute, _) = line.trim_start().split_once(" (").unwrap();
    assert!(
        report_text.contains(&format!("waiting for the answer of {mute} to a call (`Ask`)\n")),
        "{mute}: {report_text}"
    );
}

/// Three nodes exchange messages under all kinds of faults. It fails at its end, so that the report contains its hash.
async fn busy(cluster: Cluster) {
    let mut probe = Probe::<Note>::on(cluster.node(0));
    cluster.node(0).scope(async { NoteRef::register("list", &probe.stub()) }).await.unwrap();
    let talk = async {
        for word in 0..60 {
            for node in 1..3 {
                cluster.node(node).named_at::<NoteRef>("list", "n0@test").say(word);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let faults = Faults { crashes: false, ..Faults::ALL };
    tokio::join!(cluster.chaos(faults, Duration::from_secs(60)), talk);
    cluster.crash(2);
    cluster.restart(2).await;
    while let Some(word) = receive!(match probe {
        Note::Say { word } => Some(word),
        after!(Duration::ZERO) => None,
    }) {
        assert!(word < 60);
    }
    panic!("at its end");
}

#[test]
fn the_same_seed_takes_the_same_steps_through_all_faults() {
    let mut hashes = BTreeSet::new();
    for seed in 0..4 {
        let report_text = report(|| greenroom::check([seed], busy));
        assert!(report_text.contains("at its end") && !report_text.contains("A second run differs"), "{report_text}");
        let (_, hash) = report_text.split_once("hash is ").expect("a hash");
        hashes.insert(hash[..16].to_owned());
    }
    assert_eq!(hashes.len(), 4, "other seeds, other steps");
}

#[test]
fn the_same_seed_takes_the_same_steps_through_orderly_stops() {
    for seed in 0..4 {
        let report_text = report(|| {
            Check::nodes(4).run([seed], async |cluster| -> () {
                for index in 0..4 {
                    cluster.restart(index).await;
                }
                cluster.connected().await;
                panic!("at its end");
            });
        });
        assert!(report_text.contains("at its end") && !report_text.contains("A second run differs"), "{report_text}");
    }
}

#[test]
fn an_order_that_the_seed_does_not_decide_is_reported() {
    let report_text = report(|| {
        Check::nodes(1).run([0], async |_| -> () {
            // Sixteen pauses in an order that differs from map to map.
            let pauses: HashMap<u64, ()> = (1..17).map(|n| (n, ())).collect();
            for (pause, ()) in pauses {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            panic!("at its end");
        });
    });
    assert!(report_text.contains("A second run differs"), "{report_text}");
}

#[test]
fn blocking_code_is_a_step_of_the_seed() {
    Check::nodes(1).run(0..20, async |_| {
        let thread = std::thread::current().id();
        let process = greenroom::spawn(move |mailbox: Mailbox<Note>| async move {
            assert_eq!(mailbox.blocking(|| std::thread::current().id()).await, thread);
        });
        assert_eq!(process.ended().await, Exit::Normal);
    });
}

#[greenroom::test]
async fn a_check_inside_a_greenroom_test_panics_with_the_remedy() {
    let report_text = std::panic::catch_unwind(|| greenroom::check(0..1, async |_| ())).expect_err("it panics");
    let report_text = report_text.downcast_ref::<&str>().expect("a text");
    assert!(report_text.contains("call it in a `#[test]` that is not an `async fn`"), "{report_text}");
}

/// The test below runs this one in a process of its own.
#[test]
#[ignore = "fails on purpose"]
fn fails_from_seed_5_on() {
    Check::nodes(1).run(0..3, async |_| {
        // The seed, as another run reads it from its environment.
        let run = std::env::var("RUNS").expect("set below");
        let count = std::fs::read_to_string(&run).unwrap_or_default().len();
        std::fs::write(&run, "x".repeat(count + 1)).unwrap();
        assert!(count < 5, "the sixth run");
    });
}

#[test]
fn the_environment_selects_the_seeds() {
    let runs = |name: &str, value: &str| {
        let file = std::env::temp_dir().join(format!("greenroom-runs-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["kit::checks::fails_from_seed_5_on", "--exact", "--ignored", "--nocapture"])
            .env_remove("GREENROOM_TEST_SEED")
            .env_remove("GREENROOM_TEST_SEEDS")
            .env(name, value)
            .env("RUNS", &file)
            .output()
            .unwrap();
        let count = std::fs::read_to_string(&file).unwrap().len();
        std::fs::remove_file(&file).unwrap();
        (count, output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (count, passed, _) = runs("NOTHING", "");
    assert_eq!((count, passed), (3, true));
    let (count, passed, _) = runs("GREENROOM_TEST_SEED", "17");
    assert_eq!((count, passed), (1, true));
    let (count, passed, report_text) = runs("GREENROOM_TEST_SEEDS", "1000");
    assert_eq!((count, passed), (7, false), "five, and one that fails twice");
    assert!(report_text.contains("seed 5 fails") && report_text.contains("\n5 smaller seeds passed."), "{report_text}");
}

#[actor(name = "orders")]
struct Orders {
    shipped: Shipped,
}

/// The numbers of the shipped orders, over all restarts of the node.
type Shipped = std::sync::Arc<Mutex<Vec<u64>>>;

#[actor]
impl Orders {
    #[init]
    fn open(&mut self) {
        self.shipped.lock().unwrap().push(0);
    }

    #[call]
    fn ship(&mut self, number: u64) {
        self.shipped.lock().unwrap().push(number);
    }
}

#[test]
fn each_run_has_a_state_of_its_own_for_boot_and_scenario() {
    let made = std::sync::Arc::new(Mutex::new(Vec::new()));
    let seeds = std::sync::Arc::clone(&made);
    let check = Check::nodes(2)
        .tick(Duration::from_secs(2))
        .time_limit(Duration::from_secs(600))
        .state(move |seed| {
            seeds.lock().unwrap().push(seed);
            Shipped::default()
        })
        .boot(async |node, shipped| match node.name().as_str() {
            "n0@test" => node.start(Orders { shipped }).await.map(drop),
            _ => Ok(()),
        });
    check.run(0..5, async |cluster, shipped| {
        let orders: OrdersRef = cluster.node(1).named_at("orders", "n0@test");
        orders.ship(7).await?;
        cluster.crash(0);
        cluster.restart(0).await;
        cluster.connected().await;
        orders.ship(8).await?;
        assert_eq!(*shipped.lock().unwrap(), [0, 7, 0, 8]);
        Ok::<(), CallError>(())
    });
    assert_eq!(*made.lock().unwrap(), [0, 1, 2, 3, 4]);
    let report_text = report(|| check.run([6], async |_, shipped| -> () { panic!("{:?}", shipped.lock().unwrap()) }));
    assert!(report_text.contains("[0]") && !report_text.contains("A second run differs"), "{report_text}");
}
