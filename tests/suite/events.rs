//! Records greenroom's log events, one line each, for tests of the log.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Event, Metadata, Subscriber, span};

/// Records the events of this thread.
#[derive(Clone)]
pub(crate) struct Events {
    targets: &'static [&'static str],
    /// Fields that differ between runs.
    without: &'static [&'static str],
    lines: Arc<Mutex<Vec<String>>>,
}

/// Keeps the subscriber of this thread installed until it is dropped.
pub(crate) struct Listening {
    _subscriber: DefaultGuard,
    /// With a single subscriber, tracing caches for all threads whether the first thread that reaches an event wants it. A
    /// second subscriber prevents that.
    _second: Dispatch,
}

/// Installs `subscriber` for this thread.
pub(crate) fn listen(subscriber: impl Subscriber + Send + Sync + 'static) -> Listening {
    let second = Dispatch::new(NoSubscriber::new());
    Listening { _subscriber: tracing::subscriber::set_default(subscriber), _second: second }
}

impl Events {
    /// Records the events of these targets until the guard is dropped, without the fields `without`.
    pub(crate) fn listen(targets: &'static [&'static str], without: &'static [&'static str]) -> (Events, Listening) {
        let events = Events { targets, without, lines: Arc::default() };
        let listening = listen(events.clone());
        (events, listening)
    }

    /// The events since the last call: level, message, fields.
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
