//! The questions with one answer: processes, metrics and alarms.

use serde::{Deserialize, Serialize};

use super::question::Question;
use crate::base::{Pid, shorten};
use crate::call::CallName;
use crate::node::{Current, Node};
use crate::observe::{Alarm, Metrics, ProcessInfo};

/// The most bytes of a list in an answer. No node can limit messages to less than 64 KiB.
pub(super) const MAX_LIST: usize = 48 * 1024;
/// The most processes of an answer, and the most bytes of one list in each of them.
const MAX_PROCESSES: usize = 1_000;
const MAX_SHORT_LIST: usize = 1024;
/// The longest path of a process in an answer, in bytes.
const MAX_PATH: usize = 1024;

/// The processes whose numbers are greater than `after`.
#[derive(Serialize, Deserialize)]
pub(super) struct Processes {
    pub(super) after: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct OneProcess {
    pub(super) pid: Pid,
}

#[derive(Serialize, Deserialize)]
pub(super) struct NodeMetrics {}

#[derive(Serialize, Deserialize)]
pub(super) struct RaisedAlarms {}

impl Question for Processes {
    type Answer = Vec<ProcessInfo>;
    const NAME: &'static str = "inspect::processes";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::processes" };

    async fn answer(self, node: Node) -> Vec<ProcessInfo> {
        let mut after = self.after;
        loop {
            let numbers = node.table().following(after, MAX_PROCESSES);
            let Some(last) = numbers.last().copied() else { return Vec::new() };
            // Not the process that answers.
            let others = numbers.into_iter().filter(|number| !Current::is(&node, *number));
            let infos = others.filter_map(|number| node.process_info(&node.pid(number)));
            let answer = fitting(infos.map(|info| bounded(info, MAX_SHORT_LIST)));
            if !answer.is_empty() {
                return answer;
            }
            // All of them have ended in the meantime. An empty answer would mean that there are no others.
            after = last;
        }
    }
}

impl Question for OneProcess {
    type Answer = Option<ProcessInfo>;
    const NAME: &'static str = "inspect::process_info";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::process_info" };

    async fn answer(self, node: Node) -> Option<ProcessInfo> {
        node.process_info(&self.pid).map(|info| bounded(info, MAX_LIST / 5))
    }
}

impl Question for NodeMetrics {
    type Answer = Metrics;
    const NAME: &'static str = "inspect::metrics";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::metrics" };

    async fn answer(self, node: Node) -> Metrics {
        node.metrics()
    }
}

impl Question for RaisedAlarms {
    type Answer = Vec<Alarm>;
    const NAME: &'static str = "inspect::raised_alarms";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::raised_alarms" };

    async fn answer(self, node: Node) -> Vec<Alarm> {
        fitting(node.raised_alarms())
    }
}

/// Returns the description of a process with lists of at most so many bytes each.
fn bounded(mut info: ProcessInfo, bytes: usize) -> ProcessInfo {
    info.path = info.path.map(|path| shorten(&path, MAX_PATH).into_owned());
    info.links = fitting_in(info.links, bytes);
    info.monitors = fitting_in(info.monitors, bytes);
    info.monitored_by = fitting_in(info.monitored_by, bytes);
    info.ancestors = fitting_in(info.ancestors, bytes);
    info
}

/// Returns the first values, as far as they fit into an answer.
pub(super) fn fitting<T: Serialize>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    fitting_in(values, MAX_LIST)
}

fn fitting_in<T: Serialize>(values: impl IntoIterator<Item = T>, bytes: usize) -> Vec<T> {
    let mut left = bytes;
    let fits = |value: &T| match left.checked_sub(size(value)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    values.into_iter().take_while(fits).collect()
}

/// Returns the number of bytes of a value in an answer. A value that cannot be written does not fit.
pub(super) fn size(value: &impl Serialize) -> usize {
    postcard::experimental::serialized_size(value).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_in_front_of_the_value_that_does_not_fit() {
        // A text of n bytes takes n + 1.
        assert_eq!(fitting_in(["one", "two", "three"], 14), ["one", "two", "three"]);
        assert_eq!(fitting_in(["one", "two", "three"], 13), ["one", "two"]);
        assert_eq!(fitting_in(["one", "a long one", "two"], 9), ["one"]);
        assert_eq!(fitting_in(["one"], 3), [""; 0]);
    }
}
