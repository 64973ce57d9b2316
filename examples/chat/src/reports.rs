//! What the runtime reports, a crash or a lost node, goes to standard error.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use tracing_subscriber::filter::LevelFilter;

/// The reports on standard error.
pub(crate) struct Reports {
    hushed: Arc<AtomicBool>,
}

impl Reports {
    /// Shows those of this level and above from now on.
    pub(crate) fn show(level: LevelFilter) -> Reports {
        let hushed = Arc::new(AtomicBool::new(false));
        let silent = Arc::clone(&hushed);
        let writer = move || -> Box<dyn Write> {
            if silent.load(Ordering::Relaxed) { Box::new(io::sink()) } else { Box::new(io::stderr()) }
        };
        tracing_subscriber::fmt().with_max_level(level).without_time().with_writer(writer).init();
        Reports { hushed }
    }

    /// Keeps silent while something starts: if it fails, whoever awaits it tells why, once.
    pub(crate) async fn hushed<F: Future>(&self, starting: F) -> F::Output {
        self.hushed.store(true, Ordering::Relaxed);
        let outcome = starting.await;
        self.hushed.store(false, Ordering::Relaxed);
        outcome
    }
}
