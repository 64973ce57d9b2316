//! The lines on standard output.

use std::fmt::{self, Display, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

/// Prints one line: a key and a text.
pub(crate) fn say(key: &str, text: impl Display) {
    let line = format!("{key} {text}").replace('\n', "\\n");
    println!("{line}");
}

/// Prints all log events of the runtime from now on, with the key `log`.
pub(crate) fn install() {
    // Nothing else installs a subscriber.
    let _ = tracing::subscriber::set_global_default(Printer);
}

struct Printer;

impl Subscriber for Printer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("greenroom")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                match field.name() {
                    "message" => self.0.insert_str(0, &format!("{value:?}")),
                    // Writing to a string does not fail.
                    name => write!(self.0, " {name}={value:?}").unwrap_or(()),
                }
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        say("log", format_args!("{} {}", event.metadata().level(), line.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
