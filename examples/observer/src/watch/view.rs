//! The data of a view: the processes of a node, and its supervision trees.

use std::collections::HashMap;
use std::time::Duration;

use greenroom::{ChildState, Description, ProcessInfo, ProcessState, SourceLine};
use serde::{Deserialize, Serialize};

/// The maximum number of processes in a view.
pub const MAX_ROWS: usize = 200;
/// The maximum number of lines of all trees, and of one supervisor's children.
const MAX_TREE_LINES: usize = 300;
const MAX_CHILDREN: usize = 50;
/// The maximum length of a filter, in characters.
const MAX_FILTER: usize = 100;

/// The query for a view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// The node; the first one if it is empty.
    pub node: String,
    /// The order of the processes.
    pub sort: Sort,
    /// A text that the name, path, kind or protocol of each listed process contains, in any case.
    pub filter: String,
    /// The number of the process to describe in full.
    pub process: Option<u64>,
}

/// An order of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The process with the longest mailbox first.
    #[default]
    Mailbox,
    /// The process with the most handled messages a second first.
    Rate,
    /// The youngest process first.
    Age,
    /// The process with the most memory first.
    Memory,
}

/// The processes and supervision trees of a node at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The node's name.
    pub node: String,
    /// The reason why the processes or trees are not those of this moment, or an empty text.
    pub error: String,
    /// The node's supervision trees, line by line.
    pub trees: Vec<TreeLine>,
    /// The first [`MAX_ROWS`] of the node's processes in the requested order.
    pub rows: Vec<Row>,
    /// The number of processes that match the filter.
    pub matching: u64,
    /// True if the node has more processes than are looked at: these are the oldest ones.
    pub partial: bool,
    /// The active alarms.
    pub alarms: Vec<String>,
    /// The requested process, if it is running.
    pub process: Option<ProcessInfo>,
    /// True if processes can be suspended, resumed and ended.
    pub actions: bool,
}

/// One line of a supervision tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeLine {
    /// The depth below the root.
    pub depth: u32,
    /// The child's id, or the path of a root.
    pub id: String,
    /// The path in the tree, for example `/ChatTree/rooms`.
    pub path: String,
    /// The process, if it is running.
    pub pid: Option<String>,
    /// The number of the process.
    pub number: Option<u64>,
    /// `up`, `down` or `restarting`; `more` stands for children that are not listed.
    pub state: String,
    /// The number of starts; zero for a root.
    pub starts: u64,
    /// The restart policy of a child, or the options of a supervisor.
    pub note: String,
    /// True if it is a supervisor.
    pub supervisor: bool,
}

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The pid.
    pub pid: String,
    /// The number of the process on its node.
    pub number: u64,
    /// The registered name, if any.
    pub name: String,
    /// The path in the supervision tree, if it is supervised.
    pub path: String,
    /// The type of the actor or the function.
    pub kind: String,
    /// The protocol.
    pub protocol: String,
    /// The state in one word.
    pub state: String,
    /// The state in full.
    pub doing: String,
    /// The file and the line of the `receive!` in which the process waits, if any, or the process that it calls.
    pub at: String,
    /// The number of messages that are not taken, including saved ones and those that wait for room.
    pub mailbox: u64,
    /// The number of messages handled a second, between the last two inspections.
    pub rate: u64,
    /// The number of messages handled.
    pub handled: u64,
    /// The age in milliseconds.
    pub age: u64,
    /// The memory in bytes.
    pub memory: u64,
}

impl Row {
    pub(crate) fn new(info: &ProcessInfo, rate: u64) -> Row {
        Row {
            pid: info.pid.to_string(),
            number: info.pid.number(),
            name: info.name.clone().unwrap_or_default(),
            path: info.path.clone().unwrap_or_default(),
            kind: short(&info.kind),
            protocol: info.protocol.to_string(),
            state: state_name(&info.state).to_owned(),
            doing: info.state.to_string(),
            at: place(&info.state),
            mailbox: info.mailbox + info.saved + info.wait_queue,
            rate,
            handled: info.handled,
            age: millis(info.age),
            memory: info.memory.total(),
        }
    }

    fn matches(&self, filter: &str) -> bool {
        let texts = [&self.name, &self.path, &self.kind, &self.protocol, &self.pid];
        texts.into_iter().any(|text| text.to_lowercase().contains(filter))
    }
}

/// Returns the requested rows in their order, and the number of all matching ones.
pub(crate) fn select(rows: &[Row], query: &Query) -> (Vec<Row>, u64) {
    let filter: String = query.filter.trim().to_lowercase().chars().take(MAX_FILTER).collect();
    let mut chosen: Vec<&Row> = rows.iter().filter(|row| row.matches(&filter)).collect();
    let matching = chosen.len() as u64;
    let first = |row: &&Row| {
        let key = match query.sort {
            Sort::Mailbox => row.mailbox,
            Sort::Rate => row.rate,
            Sort::Age => u64::MAX - row.age,
            Sort::Memory => row.memory,
        };
        (u64::MAX - key, row.number)
    };
    // Only the rows in the view are sorted.
    if chosen.len() > MAX_ROWS {
        chosen.select_nth_unstable_by_key(MAX_ROWS, first);
        chosen.truncate(MAX_ROWS);
    }
    chosen.sort_unstable_by_key(first);
    (chosen.into_iter().cloned().collect(), matching)
}

/// Computes the handled messages a second of each process.
pub(crate) fn rates(now: &HashMap<u64, u64>, before: &HashMap<u64, u64>, passed: Duration) -> HashMap<u64, u64> {
    let seconds = passed.as_secs_f64().max(0.001);
    let rate = |(number, handled): (&u64, &u64)| {
        let more = handled.saturating_sub(before.get(number).copied()?);
        Some((*number, (more as f64 / seconds).round() as u64))
    };
    now.iter().filter_map(rate).collect()
}

/// Appends a tree's lines.
pub(crate) fn add_tree(description: &Description, lines: &mut Vec<TreeLine>) {
    let root = &description.supervisor;
    let line = TreeLine {
        depth: 0,
        id: root.path.clone(),
        path: root.path.clone(),
        pid: Some(root.pid.to_string()),
        number: Some(root.pid.number()),
        state: "up".to_owned(),
        starts: 0,
        note: root.to_string(),
        supervisor: true,
    };
    lines.push(line);
    add_children(description, 1, lines);
}

fn add_children(description: &Description, depth: u32, lines: &mut Vec<TreeLine>) {
    let Description { supervisor, below: nested, .. } = description;
    for (index, child) in supervisor.children.iter().enumerate() {
        if index == MAX_CHILDREN || lines.len() >= MAX_TREE_LINES {
            let more = supervisor.children.len() - index;
            lines.push(TreeLine {
                depth,
                id: format!("and {more} more"),
                path: supervisor.path.clone(),
                pid: None,
                number: None,
                state: "more".to_owned(),
                starts: 0,
                note: String::new(),
                supervisor: false,
            });
            return;
        }
        let tree = nested.iter().find(|(at, _)| *at == index).map(|(_, description)| description);
        let state = match child.state {
            ChildState::Up => "up",
            ChildState::Down => "down",
            ChildState::Restarting => "restarting",
        };
        let mut note = match tree {
            Some(tree) => tree.supervisor.to_string(),
            None => format!("{:?}", child.restart).to_lowercase(),
        };
        // The processes of the page are those of this node.
        let elsewhere = child.node().filter(|node| *node != supervisor.pid.node());
        if let Some(node) = elsewhere {
            note.push_str(&format!(", on {node}"));
        }
        lines.push(TreeLine {
            depth,
            id: child.id.clone(),
            path: format!("{}/{}", supervisor.path, child.id),
            pid: child.pid.as_ref().map(ToString::to_string),
            number: child.pid.as_ref().filter(|_| elsewhere.is_none()).map(greenroom::Pid::number),
            state: state.to_owned(),
            starts: child.starts,
            note,
            supervisor: child.supervisor.is_some(),
        });
        if let Some(tree) = tree {
            add_children(tree, depth + 1, lines);
        }
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Shortens a type's path to its last two parts, which identify it.
pub(crate) fn short(kind: &str) -> String {
    let kind = kind.trim_end_matches("::{{closure}}");
    let plain = kind.split('<').next().unwrap_or(kind);
    let from = plain.rmatch_indices("::").nth(1).map_or(0, |(at, _)| at + 2);
    plain[from..].to_owned()
}

/// Returns the place at which a process waits: the file without its directories, and the line.
fn place(state: &ProcessState) -> String {
    match state {
        ProcessState::Waiting { at: Some(SourceLine { file, line }) } => {
            format!("{}:{line}", file.rsplit(['/', '\\']).next().unwrap_or(file))
        }
        ProcessState::Calling { callee, .. } => callee.to_string(),
        _ => String::new(),
    }
}

fn state_name(state: &ProcessState) -> &'static str {
    match state {
        ProcessState::Running => "running",
        ProcessState::Waiting { .. } => "waiting",
        ProcessState::Calling { .. } => "calling",
        ProcessState::Busy => "busy",
        ProcessState::Suspended => "suspended",
        ProcessState::Exiting => "exiting",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, mailbox: u64, rate: u64, age: u64) -> Row {
        let (pid, name) = (format!("<a@b {number}>"), if number == 2 { "Rooms".to_owned() } else { String::new() });
        let [path, kind, protocol, state, doing, at] = ["", "Clerk", "Order", "busy", "busy", ""].map(str::to_owned);
        Row {
            pid,
            number,
            name,
            path,
            kind,
            protocol,
            state,
            doing,
            at,
            mailbox,
            rate,
            handled: 0,
            age,
            memory: number,
        }
    }

    #[test]
    fn rows_are_sorted_filtered_and_bounded() {
        let rows = [row(1, 5, 0, 900), row(2, 0, 70, 100), row(3, 9, 7, 500), row(4, 5, 1, 700)];
        for (sort, expected) in [
            (Sort::Mailbox, [3, 1, 4, 2]),
            (Sort::Rate, [2, 3, 4, 1]),
            (Sort::Age, [2, 3, 4, 1]),
            (Sort::Memory, [4, 3, 2, 1]),
        ] {
            let (shown, matching) = select(&rows, &Query { sort, ..Query::default() });
            assert_eq!(shown.iter().map(|row| row.number).collect::<Vec<_>>(), expected, "{sort:?}");
            assert_eq!(matching, 4);
        }
        let (shown, matching) = select(&rows, &Query { filter: " rOOms".to_owned(), ..Query::default() });
        assert_eq!((shown[0].number, shown.len(), matching), (2, 1, 1));
        let many: Vec<Row> = (0..1000).map(|n| row(n, n, 0, 0)).collect();
        let (shown, matching) = select(&many, &Query::default());
        assert_eq!((shown.len(), matching), (MAX_ROWS, 1000));
        assert!(shown.iter().map(|row| row.mailbox).eq((800..1000).rev()));
    }

    #[test]
    fn a_rate_counts_the_messages_between_two_inspections() {
        let before = HashMap::from([(1, 10), (2, 5)]);
        let now = HashMap::from([(1, 30), (2, 5), (3, 1000)]);
        let expected = HashMap::from([(1, 10), (2, 0)]);
        assert_eq!(rates(&now, &before, Duration::from_secs(2)), expected);
    }

    #[test]
    fn a_kind_is_shortened_to_two_parts() {
        for (kind, expected) in [
            ("Rooms", "Rooms"),
            ("chat::demo::listen::{{closure}}", "demo::listen"),
            ("chat::session::Session<chat::web::Browser>", "session::Session"),
        ] {
            assert_eq!(short(kind), expected);
        }
    }
}
