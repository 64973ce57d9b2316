use std::collections::HashMap;
use std::time::Duration;

use greenroom::{ChildState, Description, ProcessInfo, ProcessState};
use serde::{Deserialize, Serialize};

use crate::News;

/// So many processes are in a view at most.
pub const MOST_ROWS: usize = 200;
/// So many lines of trees, and of one supervisor's children.
const MOST_TWIGS: usize = 300;
const MOST_CHILDREN: usize = 50;
/// The longest filter, in characters.
const LONGEST_FILTER: usize = 100;

/// What somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Which processes first.
    pub sort: Sort,
    /// Only those whose name, place, kind or protocol has this in it, in any case.
    pub filter: String,
    /// The process to be shown in full, by its number.
    pub process: Option<u64>,
}

/// An order of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The longest mailbox first.
    #[default]
    Mailbox,
    /// Who handles most messages a second.
    Rate,
    /// The youngest first.
    Age,
    /// Who takes most bytes.
    Memory,
}

/// A node at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The node as a whole.
    pub node: Figures,
    /// Its supervision trees, line by line.
    pub trees: Vec<Twig>,
    /// The first [`MOST_ROWS`] of its processes in the order that was asked for.
    pub rows: Vec<Row>,
    /// How many the filter lets through.
    pub matching: u64,
    /// The alarms that are raised: each one's name, and in words.
    pub alarms: Vec<(String, String)>,
    /// What happened lately, the latest last.
    pub news: Vec<News>,
    /// The process that was asked for, while it lives.
    pub process: Option<ProcessInfo>,
}

/// A node in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What it is called.
    pub name: String,
    /// For how many milliseconds it has been up.
    pub uptime: u64,
    /// How many processes live there.
    pub processes: u64,
    /// Messages handled a second.
    pub rate: u64,
    /// Messages that nobody has taken yet.
    pub waiting: u64,
    /// What its processes take, in bytes.
    pub memory: u64,
    /// How often a supervisor has started a child again.
    pub restarts: u64,
    /// Calls that nobody answered in time.
    pub call_timeouts: u64,
    /// Messages between nodes that were lost.
    pub lost_messages: u64,
    /// The nodes that are connected.
    pub peers: Vec<String>,
}

/// One line of a supervision tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twig {
    /// How far below its root.
    pub depth: u32,
    /// Its id there; a root's path.
    pub id: String,
    /// Its place, as `/ChatTree/rooms`.
    pub path: String,
    /// The process, if it runs.
    pub pid: Option<String>,
    /// The process's number.
    pub number: Option<u64>,
    /// `up`, `down` or `restarting`; `more` for children that there is no room for.
    pub state: String,
    /// How often it has been started; zero for a root.
    pub starts: u64,
    /// When a child is restarted, or how a supervisor treats its own.
    pub note: String,
    /// Whether it has children of its own.
    pub supervisor: bool,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Who it is.
    pub pid: String,
    /// Its number on its node.
    pub number: u64,
    /// The name it is registered under, if any.
    pub name: String,
    /// Its place in its supervision tree, if it has one.
    pub place: String,
    /// What runs there.
    pub kind: String,
    /// What may be said to it.
    pub protocol: String,
    /// What it is doing, in one word.
    pub state: String,
    /// The same in full.
    pub doing: String,
    /// Messages that it has not taken, saved ones and those in line included.
    pub mailbox: u64,
    /// Messages handled a second, as of late.
    pub rate: u64,
    /// Messages handled so far.
    pub handled: u64,
    /// Its age in milliseconds.
    pub age: u64,
    /// What it takes, in bytes.
    pub memory: u64,
}

impl Row {
    pub(crate) fn new(info: &ProcessInfo, rate: u64) -> Row {
        Row {
            pid: info.pid.to_string(),
            number: info.pid.number(),
            name: info.name.clone().unwrap_or_default(),
            place: info.path.clone().unwrap_or_default(),
            kind: short(&info.kind),
            protocol: info.protocol.to_string(),
            state: word(&info.state).to_owned(),
            doing: info.state.to_string(),
            mailbox: info.mailbox + info.saved + info.wait_queue,
            rate,
            handled: info.handled,
            age: millis(info.age),
            memory: info.memory.total(),
        }
    }

    fn matches(&self, filter: &str) -> bool {
        let texts = [&self.name, &self.place, &self.kind, &self.protocol, &self.pid];
        texts.into_iter().any(|text| text.to_lowercase().contains(filter))
    }
}

/// The rows that were asked for, in their order, and how many there would be.
pub(crate) fn select(rows: &[Row], query: &Query) -> (Vec<Row>, u64) {
    let filter: String = query.filter.trim().to_lowercase().chars().take(LONGEST_FILTER).collect();
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
    // Only those that are shown need an order among themselves.
    if chosen.len() > MOST_ROWS {
        chosen.select_nth_unstable_by_key(MOST_ROWS, first);
        chosen.truncate(MOST_ROWS);
    }
    chosen.sort_unstable_by_key(first);
    (chosen.into_iter().cloned().collect(), matching)
}

/// Handled messages a second, process by process.
pub(crate) fn rates(now: &HashMap<u64, u64>, before: &HashMap<u64, u64>, passed: Duration) -> HashMap<u64, u64> {
    let seconds = passed.as_secs_f64().max(0.001);
    let rate = |(number, handled): (&u64, &u64)| {
        let more = handled.saturating_sub(before.get(number).copied()?);
        Some((*number, (more as f64 / seconds).round() as u64))
    };
    now.iter().filter_map(rate).collect()
}

/// A tree, line by line.
pub(crate) fn outline(description: &Description, twigs: &mut Vec<Twig>) {
    let root = &description.supervisor;
    let twig = Twig {
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
    twigs.push(twig);
    below(description, 1, twigs);
}

fn below(description: &Description, depth: u32, twigs: &mut Vec<Twig>) {
    let Description { supervisor, below: nested, .. } = description;
    for (index, child) in supervisor.children.iter().enumerate() {
        if index == MOST_CHILDREN || twigs.len() >= MOST_TWIGS {
            let more = supervisor.children.len() - index;
            let (id, path) = (format!("and {more} more"), supervisor.path.clone());
            let state = "more".to_owned();
            let note = String::new();
            twigs.push(Twig { depth, id, path, pid: None, number: None, state, starts: 0, note, supervisor: false });
            return;
        }
        let tree = nested.iter().find(|(at, _)| *at == index).map(|(_, description)| description);
        let state = match child.state {
            ChildState::Up => "up",
            ChildState::Down => "down",
            ChildState::Restarting => "restarting",
        };
        let note = match tree {
            Some(tree) => tree.supervisor.to_string(),
            None => format!("{:?}", child.restart).to_lowercase(),
        };
        twigs.push(Twig {
            depth,
            id: child.id.clone(),
            path: format!("{}/{}", supervisor.path, child.id),
            pid: child.pid.as_ref().map(ToString::to_string),
            number: child.pid.as_ref().map(greenroom::Pid::number),
            state: state.to_owned(),
            starts: child.starts,
            note,
            supervisor: child.supervisor.is_some(),
        });
        if let Some(tree) = tree {
            below(tree, depth + 1, twigs);
        }
    }
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A function's type is a path: its modules say nothing that its end does not.
fn short(kind: &str) -> String {
    let kind = kind.trim_end_matches("::{{closure}}");
    let plain = kind.split('<').next().unwrap_or(kind);
    let from = plain.rmatch_indices("::").nth(1).map_or(0, |(at, _)| at + 2);
    plain[from..].to_owned()
}

fn word(state: &ProcessState) -> &'static str {
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
        let [place, kind, protocol, state, doing] = ["", "Act", "Letter", "busy", "busy"].map(str::to_owned);
        Row { pid, number, name, place, kind, protocol, state, doing, mailbox, rate, handled: 0, age, memory: number }
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
        assert_eq!((shown.len(), matching), (MOST_ROWS, 1000));
        assert!(shown.iter().map(|row| row.mailbox).eq((800..1000).rev()));
    }

    #[test]
    fn a_rate_is_what_was_handled_in_between() {
        let before = HashMap::from([(1, 10), (2, 5)]);
        let now = HashMap::from([(1, 30), (2, 5), (3, 1000)]);
        let expected = HashMap::from([(1, 10), (2, 0)]);
        assert_eq!(rates(&now, &before, Duration::from_secs(2)), expected);
    }

    #[test]
    fn a_kind_is_as_short_as_it_can_be() {
        for (kind, expected) in [
            ("Rooms", "Rooms"),
            ("chat::demo::listen::{{closure}}", "demo::listen"),
            ("chat::session::Session<chat::web::Browser>", "session::Session"),
        ] {
            assert_eq!(short(kind), expected);
        }
    }
}
