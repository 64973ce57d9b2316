//! Where and when a node's processes run: the spawner, the clock, timers, random numbers, and a test's schedule.
//!
//! Time, threads and randomness are the three things that make a run differ from the next one. A node takes all of them
//! from its [`NodeEnv`], so a test can replace each: a [`Schedule`] polls all tasks on one thread in an order drawn from
//! a seed, a paused clock holds time still, and a seeded [`Rng`] repeats its numbers. Nothing here refers to a node or a
//! process.

mod clock;
mod env;
mod rng;
#[cfg(feature = "test")]
mod schedule;
mod spawner;
mod timer_wheel;

pub use clock::Clock;
pub(crate) use clock::TokioClock;
pub(crate) use env::{NodeEnv, Thresholds};
pub(crate) use rng::Rng;
#[cfg(feature = "test")]
pub(crate) use schedule::{BlockingMode, NodeTasks, Progress, RunLimits, Schedule, Stuck};
pub(crate) use spawner::TaskSpawner;
pub use spawner::{Spawner, Task, Work};
pub(crate) use timer_wheel::{Timeout, TimerWheel};
