//! 300 random supervisor programs that ran on a real BEAM, run here with real processes: every line must be equal.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::{AutoShutdown, ChildError, ChildSpec, ChildState, Node, Restart, Shutdown, Strategy, Supervisor};
use serde_json::Value;

const SCENARIOS: &str = include_str!("../conformance/tree.json");
const EXPECTED: &str = include_str!("../conformance/tree.expected");
/// The recording's word for a child that ends itself.
const EXITS: &str = "die";

/// The events so far, and the starts that must fail.
#[derive(Default)]
struct World {
    log: String,
    failing: BTreeMap<u64, u64>,
}

#[actor]
struct Kid {
    id: u64,
    world: Arc<Mutex<World>>,
}

#[actor(local)]
impl Kid {
    #[init]
    fn begin(&mut self) -> Result<(), Exit> {
        let mut world = self.world.lock().unwrap();
        let failing = world.failing.entry(self.id).or_default();
        let fails = *failing > 0;
        *failing = failing.saturating_sub(1);
        writeln!(world.log, "{} {}", if fails { "failed" } else { "start" }, self.id).unwrap();
        if fails { Err(Exit::error("refused")) } else { Ok(()) }
    }

    #[cast]
    fn fail(&mut self, reason: Exit) -> Result<(), Exit> {
        writeln!(self.world.lock().unwrap().log, "{EXITS} {}", self.id).unwrap();
        Err(reason)
    }

    /// Traps exits only to record its end.
    #[exit]
    fn exit_signal(&mut self, signal: ExitSignal) -> Result<(), Exit> {
        Err(signal.reason)
    }

    #[terminate]
    fn end(&mut self, reason: &Exit) {
        // A child that ended itself has recorded that.
        if matches!(reason, Exit::Shutdown(detail) if detail.is_none()) {
            let mut world = self.world.lock().unwrap();
            if !world.log.ends_with(&format!("{EXITS} {}\n", self.id)) {
                writeln!(world.log, "stop {}", self.id).unwrap();
            }
        }
    }
}

struct Bench {
    world: Arc<Mutex<World>>,
    tree: greenroom::SupervisionRef,
    kids: BTreeMap<u64, KidRef>,
}

impl Bench {
    fn write(&self, text: std::fmt::Arguments<'_>) {
        self.world.lock().unwrap().log.write_fmt(text).unwrap();
    }

    /// Waits until all processes are idle: the paused clock advances only then.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    async fn step(&self, step: &[Value]) {
        let (word, id) = (step[0].as_str().unwrap(), step[1].as_u64().unwrap());
        let text: Vec<_> = step.iter().map(|part| part.to_string().replace('"', "")).collect();
        self.write(format_args!("> {}\n", text.join(" ")));
        let place = self.world.lock().unwrap().log.len();
        match word {
            "failstart" => {
                self.world.lock().unwrap().failing.insert(id, step[2].as_u64().unwrap());
            }
            "crash" => match step[2].as_str().unwrap() {
                "kill" => self.kids[&id].exit(Exit::kill()),
                "normal" => drop(self.kids[&id].fail(Exit::Normal)),
                "shutdown" => drop(self.kids[&id].fail(Exit::shutdown())),
                other => drop(self.kids[&id].fail(Exit::error(other))),
            },
            request => {
                let id = id.to_string();
                let answer = match request {
                    "terminate" => self.tree.terminate_child(id).await,
                    "restart" => self.tree.restart_child(id).await.map(drop),
                    _ => self.tree.delete_child(id).await,
                };
                let answer = match answer {
                    Ok(()) => "ok",
                    Err(ChildError::NoProc) => "noproc",
                    Err(ChildError::NotFound) => "error not_found",
                    Err(ChildError::Running) => "error running",
                    Err(ChildError::Restarting) => "error restarting",
                    Err(ChildError::Start(_)) => "error refused",
                    Err(other) => panic!("{other}"),
                };
                // The recording lists the answer before the events that led to it.
                self.world.lock().unwrap().log.insert_str(place, &format!("{answer}\n"));
            }
        }
        self.settle().await;
        self.children().await;
    }

    async fn children(&self) {
        let shown = match self.tree.children().await {
            Ok(children) => {
                let state = |state| match state {
                    ChildState::Up => "up",
                    ChildState::Down => "none",
                    ChildState::Restarting => "restarting",
                };
                children
                    .iter()
                    .map(|child| format!("{}:{}", child.id, state(child.state)))
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            Err(_) => "gone".to_owned(),
        };
        self.write(format_args!("children {shown}\n"));
    }
}

async fn run(scenario: &[Vec<Value>]) -> greenroom::Result<String> {
    let world = Arc::<Mutex<World>>::default();
    let strategy = match scenario[0][1].as_str().unwrap() {
        "one_for_one" => Strategy::OneForOne,
        "one_for_all" => Strategy::OneForAll,
        _ => Strategy::RestForOne,
    };
    let auto_shutdown = match scenario[0][3].as_str().unwrap() {
        "never" => AutoShutdown::Never,
        "any_significant" => AutoShutdown::Any,
        _ => AutoShutdown::All,
    };
    let mut supervisor = Supervisor::new(strategy)
        .intensity(u32::try_from(scenario[0][2].as_u64().unwrap()).unwrap())
        .period(Duration::from_secs(3600))
        .auto_shutdown(auto_shutdown);
    let (kids, steps): (Vec<_>, Vec<_>) = scenario[1..].iter().partition(|step| step[0] == "kid");
    for kid in &kids {
        let (id, world) = (kid[1].as_u64().unwrap(), Arc::clone(&world));
        let spec = ChildSpec::new(move || Kid { id, world: Arc::clone(&world) })
            .restart(match kid[2].as_str().unwrap() {
                "permanent" => Restart::Permanent,
                "transient" => Restart::Transient,
                _ => Restart::Temporary,
            })
            .shutdown(if kid[4] == "graceful" { Shutdown::After(Duration::from_secs(5)) } else { Shutdown::Kill });
        let spec = if kid[3] == true { spec.significant() } else { spec };
        supervisor = supervisor.child(id.to_string(), spec);
    }
    let tree = supervisor.start().await?;
    let mut bench = Bench { world, tree, kids: BTreeMap::new() };
    for kid in &kids {
        let id = kid[1].as_u64().unwrap();
        bench.kids.insert(id, bench.tree.find_child(id.to_string()).await?);
    }
    let ended = bench.tree.ended();
    // The first start is not part of the recording.
    bench.world.lock().unwrap().log.clear();
    for step in steps {
        bench.step(step).await;
    }
    if bench.tree.is_alive() {
        bench.write(format_args!("> end\n"));
        TreeStub::stop(&bench.tree).await;
        bench.children().await;
    }
    bench.write(format_args!("sup ended {}\n", ended.await));
    let log = std::mem::take(&mut bench.world.lock().unwrap().log);
    Ok(log)
}

#[greenroom::test]
async fn conformance_tree() -> greenroom::Result {
    let expected: Vec<&str> = EXPECTED.split("# scenario ").skip(1).collect();
    let scenarios: Vec<&str> = SCENARIOS.lines().collect();
    assert_eq!((scenarios.len(), expected.len()), (300, 300));
    for (n, (scenario, expected)) in scenarios.iter().zip(expected).enumerate() {
        let (_, expected) = expected.split_once('\n').unwrap();
        let scenario: Vec<Vec<Value>> = serde_json::from_str(scenario)?;
        assert_eq!(run(&scenario).await?, expected, "scenario {n}");
        assert_eq!(Node::current().process_count(), 0, "scenario {n} leaves a process behind");
    }
    Ok(())
}
