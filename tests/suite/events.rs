//! What greenroom tells the log, a line an event, for tests that say what that is.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Event, Metadata, Subscriber, span};

/// Takes down what is told on this thread.
#[derive(Clone)]
pub(crate) struct Events {
    targets: &'static [&'static str],
    /// Fields that differ from run to run.
    without: &'static [&'static str],
    lines: Arc<Mutex<Vec<String>>>,
    /// While there is one subscriber alone, tracing asks the thread that comes upon an event first whether anybody wants
    /// it, and believes it for all of them: so there are two.
    _second: Dispatch,
}

impl Events {
    /// Listens to these targets as long as the guard lives; a line leaves out the fields `without` which it is to be.
    pub(crate) fn listen(targets: &'static [&'static str], without: &'static [&'static str]) -> (Events, DefaultGuard) {
        let second = Dispatch::new(NoSubscriber::new());
        let events = Events { targets, without, lines: Arc::default(), _second: second };
        let guard = tracing::subscriber::set_default(events.clone());
        (events, guard)
    }

    /// What has been told since the last time: level, message, fields.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.targets.contains(&metadata.target())
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Line {
            text: String,
            without: &'static [&'static str],
        }
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                match field.name() {
                    "message" => self.text.insert_str(0, &format!("{value:?}")),
                    name if self.without.contains(&name) => {}
                    name => write!(self.text, " {name}={value:?}").unwrap(),
                }
            }
        }
        let mut line = Line { text: String::new(), without: self.without };
        event.record(&mut line);
        self.lines.lock().unwrap().push(format!("{} {}", event.metadata().level(), line.text));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
