//! A pool of three workers that scale pictures. Each picture goes to a worker that is free, which answers the caller.
//!
//! A worker reports to the pool when it is free, so the pool never waits for one. A picture that makes its worker panic
//! fails this call only: the worker drops the `Reply`, the caller receives the reason, and the supervisor starts
//! another worker.
//!
//! `cargo run -p patterns --bin pool`

use std::collections::{BTreeSet, VecDeque};

use greenroom::prelude::*;

/// The width and the height of a picture.
type Size = (u32, u32);

/// A picture to scale, and the caller that waits for its height.
struct Job {
    picture: Size,
    reply: Reply<Scaled>,
}

/// The answer to a job.
struct Scaled {
    height: u32,
    /// The number of the worker.
    by: u32,
}

/// The pictures that wait for a worker, and the workers that wait for a picture.
#[actor]
#[derive(Default)]
struct Pool {
    jobs: VecDeque<Job>,
    free: VecDeque<WorkerRef>,
}

#[actor(local)]
impl Pool {
    /// Scales a picture to a width of 300.
    #[call]
    fn scale(&mut self, picture: Size, reply: Reply<Scaled>) {
        self.jobs.push_back(Job { picture, reply });
        self.assign();
    }

    /// Handles the report of a worker that it is free.
    #[cast]
    fn report(&mut self, worker: WorkerRef) {
        self.free.push_back(worker);
        self.assign();
    }

    fn assign(&mut self) {
        while !self.jobs.is_empty() && !self.free.is_empty() {
            if let (Some(job), Some(worker)) = (self.jobs.pop_front(), self.free.pop_front()) {
                worker.scale(job);
            }
        }
    }
}

/// A worker, which has one job at a time.
#[actor]
#[derive(Clone)]
struct Worker {
    number: u32,
    pool: PoolRef,
}

#[actor(local)]
impl Worker {
    #[init]
    fn enter(&mut self, cx: &mut Context<Self>) {
        self.pool.report(cx.me());
    }

    /// Answers a job, and is free again.
    #[cast]
    async fn scale(&mut self, cx: &mut Context<Self>, job: Job) {
        let (width, height) = job.picture;
        // A long computation has a thread of its own. The pause stands for it.
        let compute = move || (std::thread::sleep(Duration::from_millis(20)), height * 300 / width).1;
        job.reply.send(Scaled { height: cx.blocking(compute).await, by: self.number });
        self.pool.report(cx.me());
    }
}

/// A pool and its workers. Without the pool, the workers start again as well, and report to the next one.
#[supervisor(strategy = rest_for_one)]
struct Studio {
    #[child]
    pool: Pool,
    #[child(dynamic)]
    workers: Worker,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let studio = Studio {}.start().await?;
    let pool = studio.pool();
    for number in 1..=3 {
        studio.workers().start_child(Worker { number, pool: pool.clone() }).await?;
    }

    let pictures = [(1200, 900), (600, 600), (0, 400), (900, 300), (450, 750), (3000, 1000), (100, 50), (1500, 1000)];
    // All calls are sent before the first one is awaited.
    let calls: Vec<_> = pictures.into_iter().map(|picture| (picture, pool.scale(picture))).collect();
    let mut workers = BTreeSet::new();
    for ((width, height), call) in calls {
        match call.await {
            Ok(scaled) => {
                workers.insert(scaled.by);
                println!("{width}x{height}: 300x{}", scaled.height);
            }
            Err(error) => println!("{width}x{height}: {}", error.kind),
        }
    }
    println!("workers: {workers:?}");
    Ok(())
}
