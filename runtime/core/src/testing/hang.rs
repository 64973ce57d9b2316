//! The report of a test that hangs: what the test itself and each process wait for.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Waker};

use crate::base::Pid;
use crate::node::{Current, Node, PendingAwait};
use crate::observe::{ProcessInfo, ProcessState};
use crate::sched::Schedule;

/// The most processes that the report lists.
const LISTED: usize = 40;

/// The most tasks that are polled for the report.
const POLLED: usize = 1_000;

/// Returns a line for the test itself, and a line for each process of these nodes.
///
/// Polls the test's future and all tasks once more. So the test has to be over.
pub(super) fn report<F: Future>(schedule: &Schedule, mut test: Pin<&mut F>, nodes: &[Node]) -> String {
    let mut is_ready = false;
    let awaits = Current::record_awaits(|| {
        let poll = || test.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        // A panic comes too late: the test has failed.
        is_ready = panic::catch_unwind(AssertUnwindSafe(poll)).is_ok_and(|poll| poll.is_ready());
        schedule.poll_all(POLLED);
    });
    let (of_processes, of_test): (Vec<_>, Vec<_>) = awaits.into_iter().partition(|await_| await_.process.is_some());
    let mut report = if is_ready {
        "\n    the test itself: its future is ready, but nothing has woken it".to_owned()
    } else {
        let events: Vec<String> = of_test.into_iter().map(event_at_place).collect();
        format!("\n    the test itself: {}", waiting_for(&events, "a process"))
    };
    let mut events: BTreeMap<Pid, Vec<String>> = BTreeMap::new();
    for PendingAwait { process, event, .. } in of_processes {
        events.entry(process.unwrap_or_else(|| unreachable!("partitioned"))).or_default().push(event);
    }
    let all = nodes.iter().flat_map(|node| node.processes().into_iter().map(move |pid| (node, pid)));
    let infos: Vec<ProcessInfo> = all.filter_map(|(node, pid)| node.process_info(&pid)).collect();
    for info in infos.iter().take(LISTED) {
        let events = events.get(&info.pid).map(Vec::as_slice).unwrap_or_default();
        // Writing to a `String` does not fail.
        let _ = write!(report, "\n    {}", describe(info, events));
    }
    if infos.len() > LISTED {
        let _ = write!(report, "\n    and {} more processes", infos.len() - LISTED);
    }
    report
}

fn event_at_place(PendingAwait { event, place, .. }: PendingAwait) -> String {
    match place {
        Some(place) => format!("{event} (at {place})"),
        None => event,
    }
}

/// Describes a wait for these events; `usual` is the usual source of an event.
fn waiting_for(events: &[String], usual: &str) -> String {
    if events.is_empty() {
        format!("waiting for something other than {usual}")
    } else {
        format!("waiting for {}", events.join(", and for "))
    }
}

fn describe(info: &ProcessInfo, events: &[String]) -> String {
    let mut line = format!("{} ", info.pid);
    if let Some(name) = &info.name {
        let _ = write!(line, "{name} ");
    }
    let _ = write!(line, "({}): ", info.kind);
    let _ = match &info.state {
        ProcessState::Waiting { at: None } => write!(line, "waiting for its next message"),
        // No process can run when a test is stuck, so this one waits in a future of its own.
        ProcessState::Busy | ProcessState::Calling { .. } => write!(line, "{}", waiting_for(events, "a message")),
        state => write!(line, "{state}"),
    };
    for (count, state) in [(info.mailbox, "not yet read"), (info.saved, "saved")] {
        if count > 0 {
            let _ = write!(line, ", messages {state}: {count}");
        }
    }
    line
}
