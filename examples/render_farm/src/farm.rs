//! The process that distributes the rows.

use std::collections::{BTreeMap, HashMap, VecDeque};

use greenroom::prelude::*;

use crate::picture::{Picture, ROWS};
use crate::render::Render;

/// The number of rows that a worker renders at the same time.
const JOBS_PER_WORKER: usize = 2;

/// Distributes the rows of the picture to the connected nodes, and collects them.
#[actor]
#[derive(Default)]
pub struct Farm {
    waiting: VecDeque<u32>,
    /// The row and the worker of each process that renders.
    running: HashMap<MonitorRef, (u32, NodeName)>,
    workers: Vec<NodeName>,
    rows: BTreeMap<u32, Vec<u32>>,
    repeated: u32,
    /// The callers that wait for a number of rows.
    waiters: Vec<(usize, Reply<()>)>,
}

/// The numbers at the end.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Totals {
    /// The rows that were rendered.
    pub rows: usize,
    /// The rows that were started again, since their process had ended without a result.
    pub repeated: u32,
    /// The workers that are left.
    pub workers: Vec<String>,
}

#[actor]
impl Farm {
    #[init]
    fn begin(&mut self) {
        self.waiting = (0..ROWS).collect();
        self.workers = Node::current().peers();
    }

    /// Starts the first rows.
    #[continue_with]
    async fn start(&mut self, cx: &mut Context<Self>) {
        self.distribute(cx).await;
    }

    /// Takes a row.
    #[cast]
    pub fn rendered(&mut self, row: u32, points: Vec<u32>) {
        self.rows.insert(row, points);
        let done = self.rows.len();
        let (met, waiters) = std::mem::take(&mut self.waiters).into_iter().partition(|(count, _)| *count <= done);
        self.waiters = waiters;
        met.into_iter().for_each(|(_, reply): (usize, Reply<()>)| reply.send(()));
    }

    /// Answers once so many rows are there.
    #[call]
    pub fn wait_for(&mut self, count: usize, reply: Reply<()>) {
        if self.rows.len() < count { self.waiters.push((count, reply)) } else { reply.send(()) }
    }

    /// Returns the rows that are there.
    #[call]
    pub fn picture(&self) -> Vec<Vec<u32>> {
        self.rows.values().cloned().collect()
    }

    /// Returns the numbers.
    #[call]
    pub fn totals(&self) -> Totals {
        let workers = self.workers.iter().map(ToString::to_string).collect();
        Totals { rows: self.rows.len(), repeated: self.repeated, workers }
    }

    /// A process has ended. Without its row, or with its node, the row is rendered again.
    #[down]
    async fn ended(&mut self, cx: &mut Context<Self>, down: Down) {
        if let Some((row, _)) = self.running.remove(&down.monitor)
            && !self.rows.contains_key(&row)
        {
            self.repeated += 1;
            self.waiting.push_front(row);
        }
        self.distribute(cx).await;
    }

    #[node_event]
    async fn changed(&mut self, cx: &mut Context<Self>, event: NodeEvent) {
        match event {
            NodeEvent::Up(node) if !self.workers.contains(&node.name) => self.workers.push(node.name.clone()),
            NodeEvent::Down(node) => self.workers.retain(|worker| *worker != node.name),
            _ => {}
        }
        self.distribute(cx).await;
    }

    /// Starts rows on the workers that have room.
    async fn distribute(&mut self, cx: &mut Context<Self>) {
        while let Some(worker) = self.free_worker()
            && let Some(row) = self.waiting.pop_front()
        {
            let render = Render { row, farm: cx.me() };
            match render.spawn_monitor_on(cx, &worker).await {
                Ok((_, monitor)) => drop(self.running.insert(monitor, (row, worker))),
                Err(error) => {
                    eprintln!("{worker} starts nothing: {error}");
                    self.waiting.push_front(row);
                    self.workers.retain(|other| *other != worker);
                }
            }
        }
    }

    /// Returns the worker with the fewest rows, if it has room.
    fn free_worker(&self) -> Option<NodeName> {
        let jobs = |worker: &NodeName| self.running.values().filter(|(_, other)| other == worker).count();
        let worker = self.workers.iter().min_by_key(|worker| jobs(worker))?;
        (jobs(worker) < JOBS_PER_WORKER).then(|| worker.clone())
    }
}

/// Returns the picture of a farm that has all rows.
pub fn whole(rows: Vec<Vec<u32>>) -> Option<Picture> {
    (rows.len() == ROWS as usize).then_some(Picture(rows))
}
