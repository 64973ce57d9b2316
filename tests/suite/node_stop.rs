//! A node that one of its own processes stops: everything ends, and the peers receive a goodbye.

use greenroom::testing::Cluster;
use greenroom::{Node, prelude::*};

/// A process that stops its node, in one of several places.
#[actor]
#[derive(Clone, Copy, Default)]
struct Operator {
    at_start: bool,
    within: bool,
}

#[actor]
impl Operator {
    #[init]
    async fn start(&mut self, cx: &mut Context<Self>) {
        if self.at_start {
            cx.node().stop().await;
        }
    }

    #[cast]
    async fn shut_down(&mut self, cx: &mut Context<Self>) {
        if self.within {
            cx.node().stop_within(Duration::from_secs(60)).await.expect("resolves at once in a process");
        } else {
            cx.node().stop().await;
        }
    }
}

/// An operator that traps exits.
#[actor]
struct TrappingOperator;

#[actor]
impl TrappingOperator {
    #[cast]
    async fn shut_down(&mut self, cx: &mut Context<Self>) {
        cx.node().stop().await;
    }

    #[exit]
    fn exited(&mut self, _signal: ExitSignal) {}
}

#[protocol]
enum Panel {
    Off,
}

/// An operator that receives selectively.
#[actor(protocol = Panel)]
struct Watchman;

impl Process for Watchman {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx {
            Panel::Off => cx.node().stop().await,
        });
        std::future::pending().await
    }
}

/// A process that only waits.
#[actor]
#[derive(Default)]
struct Worker;

#[actor]
impl Worker {
    #[cast]
    fn work(&mut self) {}
}

#[supervisor]
struct Machine {
    #[child(start = Operator::default())]
    operator: Operator,
    #[child]
    worker: Worker,
}

#[derive(Clone, Copy, Debug)]
enum Caller {
    Plain,
    WithTimeout,
    Supervised,
    Trapping,
    Selective,
    InInit,
    Closure,
}

#[greenroom::test]
async fn a_process_can_stop_its_own_node() {
    use Caller::{Closure, InInit, Plain, Selective, Supervised, Trapping, WithTimeout};
    for caller in [Plain, WithTimeout, Supervised, Trapping, Selective, InInit, Closure] {
        let cluster = Cluster::in_memory(2).await;
        let node: Node = cluster.node(1).clone();
        for _ in 0..100 {
            node.spawn(Worker);
        }
        let begin = tokio::time::Instant::now();
        match caller {
            Plain => drop(node.spawn(Operator::default()).shut_down()),
            WithTimeout => drop(node.spawn(Operator { within: true, ..Operator::default() }).shut_down()),
            Supervised => drop(node.start_tree(Machine {}).await.expect("starts").operator().shut_down()),
            Trapping => drop(node.spawn(TrappingOperator).shut_down()),
            Selective => drop(node.spawn(Watchman).off()),
            InInit => drop(node.spawn(Operator { at_start: true, ..Operator::default() })),
            Closure => {
                let stopped = node.clone();
                node.scope(async move {
                    greenroom::spawn(move |_: Mailbox<Panel>| async move { stopped.stop().await });
                })
                .await;
            }
        }
        while !cluster.node(0).peers().is_empty() && begin.elapsed() < Duration::from_secs(60) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // A goodbye, not a silence that counts as loss; and no process was waited for until it was killed.
        assert!(begin.elapsed() < Duration::from_secs(1), "{caller:?}: {:?}", begin.elapsed());
        assert_eq!(node.process_count(), 0, "{caller:?}");
    }
}

#[greenroom::test]
async fn a_stop_goes_on_when_its_caller_does_not_wait() {
    let node = Node::current();
    let worker = node.spawn(Worker);
    let ended = worker.ended();
    drop(tokio::time::timeout(Duration::ZERO, node.stop()).await);
    assert_eq!(ended.await, Exit::shutdown());
}

/// The process that a janitor starts when it is stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Successor {
    Process,
    Tree,
    /// Another janitor, which does the same.
    Janitor,
}

/// A process that starts another one when it is stopped.
#[actor]
struct Janitor {
    node: Node,
    successor: Successor,
}

#[actor(local)]
impl Janitor {
    #[cast]
    fn clean(&mut self) {}

    /// Traps exits, so that `leave` runs.
    #[exit]
    fn exited(&mut self, _signal: ExitSignal) {}

    #[terminate]
    async fn leave(&mut self) {
        match self.successor {
            Successor::Process => drop(self.node.spawn(Worker)),
            Successor::Tree => drop(self.node.start_tree(Machine {}).await),
            Successor::Janitor => {
                self.node.spawn(Janitor { node: self.node.clone(), successor: self.successor });
            }
        }
    }
}

#[greenroom::test]
async fn processes_that_are_started_during_a_stop_are_stopped_too() {
    for successor in [Successor::Process, Successor::Tree, Successor::Janitor] {
        let cluster = Cluster::in_memory(2).await;
        let node: Node = cluster.node(1).clone();
        for _ in 0..20 {
            node.spawn(Janitor { node: node.clone(), successor });
        }
        tokio::time::timeout(Duration::from_secs(1), node.stop()).await.expect("the stop ends");
        assert_eq!(node.process_count(), 0, "{successor:?}");
        crate::scripted::settle().await;
        assert!(cluster.node(0).peers().is_empty(), "{successor:?}");
    }
}
