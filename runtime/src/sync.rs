//! Floor 0: what threads meet at. The one place that says which locks the runtime is made of, so that it can be
//! compiled a second time on locks whose threads a test schedules (`tests/interleaved`).

pub(crate) use std::sync::atomic;
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
pub(crate) use std::thread_local;
