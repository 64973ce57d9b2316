//! Execution of processes: the spawner, the clock, the timer wheel, random numbers, and the schedule of a test.
//!
//! Threads, time and randomness make one run differ from another. A node takes all three from its [`NodeEnv`], so that a
//! test can replace them. A [`Schedule`] polls all tasks on one thread in an order drawn from a seed. A paused clock
//! advances only when all tasks wait. A seeded [`Rng`] repeats its numbers. This module refers to neither nodes nor
//! processes.

mod clock;
mod env;
mod rng;
#[cfg(feature = "test")]
mod schedule;
mod spawner;
mod task;
mod timer_wheel;

pub use clock::Clock;
pub(crate) use clock::TokioClock;
pub(crate) use env::{NodeEnv, Thresholds};
pub(crate) use rng::Rng;
#[cfg(feature = "test")]
pub(crate) use schedule::{BlockingMode, LimitExceeded, Progress, RunLimits, Schedule, TestSpawner};
pub use spawner::Spawner;
pub(crate) use spawner::TaskSpawner;
pub use task::{Task, Work};
pub(crate) use timer_wheel::{Timeout, TimerWheel};
