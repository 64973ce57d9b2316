//! The start of one node of a cluster in memory.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use super::{Incarnation, Inner, host};
use crate::cluster::NodeBuilder;
use crate::node::Node;
use crate::sched::{NodeEnv, Schedule, TaskSpawner, TestSpawner};

impl Inner {
    /// Starts a node that dials these others.
    pub(super) async fn start(&self, index: usize, others: Vec<usize>) -> Incarnation {
        let (env, tasks) = node_env(self.schedule.as_ref(), self.rng.next());
        let incarnation = self.incarnations.fetch_add(1, Ordering::Relaxed) + 1;
        let builder = self.builder(index, others, env).incarnation(incarnation);
        let node = builder.start().await.expect("a node in memory starts");
        Incarnation { node, tasks, next: OnceLock::new() }
    }

    /// Returns the configuration of a node that dials these others.
    pub(super) fn builder(&self, index: usize, others: Vec<usize>, env: NodeEnv) -> NodeBuilder {
        let name = host(index);
        let mut builder = Node::builder(format!("n{index}@test"))
            .cookie(self.cookie.clone())
            .listen(&name)
            .tick(self.tick)
            .transport(Arc::new(self.network.host(&name)))
            .env(env);
        for other in others.into_iter().filter(|other| self.seeds.is_none_or(|seeds| *other < seeds)) {
            builder = builder.seed(host(other));
        }
        if let Some(configure) = &self.configure {
            builder = configure(index, builder);
        }
        #[cfg(test)]
        let builder = builder.limits(self.limits);
        builder
    }

    pub(super) async fn boot(&self, node: &Node) {
        if let Some(boot) = &self.boot
            && let Some(error) = node.scope(boot(node.clone())).await
        {
            panic!("the `boot` code of {} returned an error: {error}", node.name());
        }
    }
}

/// The environment of one more node, and its tasks if a schedule runs them.
pub(super) fn node_env(schedule: Option<&Schedule>, seed: u64) -> (NodeEnv, Option<TestSpawner>) {
    let tasks = schedule.map(Schedule::new_node);
    let mut env = NodeEnv::seeded(seed);
    if let Some(tasks) = &tasks {
        env.spawn = TaskSpawner::Test(tasks.clone());
    }
    (env, tasks)
}
