//! A subscriber that records spans, and the propagator that gives each span the ids of its number.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Event, Metadata, Span, Subscriber, span};

use crate::base::TraceContext;
use crate::node::Propagator;

/// Records the spans of this thread. The first span has the number 1.
#[derive(Clone, Default)]
pub(super) struct Recorder {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    spans: Vec<Recorded>,
    /// The spans that are entered, the innermost last.
    entered: Vec<u64>,
    /// Spans of messages are filtered out.
    without_messages: bool,
    /// The flags of the contexts of spans.
    flags: u8,
}

#[derive(Clone, Debug, Default)]
struct Recorded {
    /// The name of the span, and for one of a message the message.
    name: String,
    links: Vec<TraceContext>,
    handles: usize,
}

/// Keeps the recorder installed for this thread until it is dropped.
pub(super) struct Recording {
    _subscriber: DefaultGuard,
    // With a single subscriber, tracing caches whether that wants a span.
    _second: Dispatch,
}

/// The context of the span with this number.
pub(super) fn context(number: u64, flags: u8) -> TraceContext {
    TraceContext::new(u128::from(number).to_be_bytes(), number.to_be_bytes(), flags).unwrap()
}

impl Recorder {
    /// Installs a recorder for this thread. The context of each span has these flags.
    pub(super) fn install(flags: u8, without_messages: bool) -> (Recorder, Recording) {
        let recorder = Recorder::default();
        *recorder.state() = State { flags, without_messages, ..State::default() };
        let second = Dispatch::new(NoSubscriber::new());
        let recording = Recording { _subscriber: tracing::subscriber::set_default(recorder.clone()), _second: second };
        (recorder, recording)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns one text for each span: its number, its name, the spans that it is linked to, and whether it is open.
    pub(super) fn spans(&self) -> Vec<String> {
        let state = self.state();
        let describe = |(index, span): (usize, &Recorded)| {
            let mut text = format!("{} {}", index + 1, span.name);
            for link in &span.links {
                write!(text, " <- {}", u64::from_be_bytes(link.span_id())).unwrap();
                assert_eq!(*link, context(u64::from_be_bytes(link.span_id()), state.flags), "all parts of the context");
            }
            text + if span.handles > 0 { " open" } else { "" }
        };
        state.spans.iter().enumerate().map(describe).collect()
    }
}

impl Propagator for Recorder {
    fn current(&self) -> Option<TraceContext> {
        let state = self.state();
        state.entered.last().map(|number| context(*number, state.flags))
    }

    fn link(&self, span: &Span, sender: &TraceContext) {
        let number = span.id().expect("an enabled span").into_u64() as usize;
        self.state().spans[number - 1].links.push(sender.clone());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && !(self.state().without_messages && metadata.target() == "greenroom::message")
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "message" {
                    write!(self.0, " {value}").unwrap();
                }
            }
        }
        let mut name = Message(span.metadata().name().to_owned());
        span.record(&mut name);
        let mut state = self.state();
        state.spans.push(Recorded { name: name.0, handles: 1, ..Recorded::default() });
        span::Id::from_u64(state.spans.len() as u64)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &span::Id) {
        self.state().entered.push(span.into_u64());
    }

    fn exit(&self, span: &span::Id) {
        let last = self.state().entered.pop();
        assert_eq!(last, Some(span.into_u64()), "spans are left in the reverse order");
    }

    fn clone_span(&self, span: &span::Id) -> span::Id {
        self.state().spans[span.into_u64() as usize - 1].handles += 1;
        span.clone()
    }

    fn try_close(&self, span: span::Id) -> bool {
        let handles = &mut self.state().spans[span.into_u64() as usize - 1].handles;
        *handles -= 1;
        *handles == 0
    }
}
