//! Tables in Markdown, charts and the raw results, which the book's chapter includes.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::chart::{self, Bar, Group, Line, short, trim};
use crate::results::{Figure, Results};
use crate::systems::{SYSTEMS, System};

/// The workloads that a system can have.
pub const WORKLOADS: &[&str] = &[
    "cast1",
    "cast4",
    "ask1",
    "ask64",
    "pingpong",
    "ring1",
    "ring100",
    "fan",
    "crowd",
    "crowd1m",
    "monitor",
    "restart",
    "selrecv",
    "selrecv_guard",
];

/// The workloads between two nodes that a system can have.
pub const REMOTE_WORKLOADS: &[&str] = &["rcast", "rask1", "rask64", "rbytes", "rlarge"];

/// A row of a table: the name of a figure and its description.
type Row = (&'static str, &'static str);

const MESSAGES: &[Row] = &[
    ("cast1", "one producer, one actor"),
    ("cast4", "four producers, one actor"),
    ("ask1", "one caller, one call after the other"),
    ("ask64", "64 callers, one actor"),
    ("pingpong", "two actors, one ball"),
    ("ring1", "1,000 actors in a ring, one token"),
    ("ring100", "1,000 actors in a ring, 100 tokens"),
    ("fan", "10,000 actors, all answer to one"),
];

const LIFECYCLE: &[Row] = &[
    ("spawn", "start 200,000 actors, each initialised"),
    ("spawn1m", "start 1,000,000 actors, each initialised"),
    ("stop", "stop 200,000 actors"),
    ("stop1m", "stop 1,000,000 actors"),
    ("monitor", "50,000 exits, all monitored by one process"),
];

const MEMORY_AND_RESTARTS: &[Row] = &[("memory", "bytes an idle actor"), ("restart", "crash until running again")];

/// The rows of the charts in the README: messages, and processes.
const SUMMARY: [(&str, &[Row]); 2] = [
    ("summary-messages", &[("cast1", "one producer, one actor"), ("ask64", "64 callers, one actor")]),
    ("summary-processes", MEMORY_AND_RESTARTS),
];

const SELECTIVE: &[Row] = &[
    ("selrecv/0", "nothing waits"),
    ("selrecv/1000", "1,000 unwanted wait"),
    ("selrecv/10000", "10,000 unwanted wait"),
    ("selrecv/100000", "100,000 unwanted wait"),
    ("selrecv_guard/1000", "1,000 refused by the guard wait"),
    ("selrecv_guard/10000", "10,000 refused by the guard wait"),
    ("selrecv_guard/100000", "100,000 refused by the guard wait"),
];

const REMOTE: &[Row] = &[
    ("rcast", "one sender, one actor"),
    ("rask1", "one caller, one call after the other"),
    ("rask1_time", "one caller, from the call to the answer"),
    ("rask64", "64 callers, one actor"),
];

const LARGE: &[Row] = &[
    ("rbytes/65536", "messages of 64 KiB"),
    ("rbytes/1048576", "messages of 1 MiB"),
    ("rbytes/10485760", "messages of 10 MiB"),
    ("rbytes/104857600", "messages of 100 MiB"),
    ("rlarge/p50", "a small call beside large messages: 50 %"),
    ("rlarge/p99", "99 %"),
    ("rlarge/p99.9", "99.9 %"),
    ("rlarge/max", "the longest one"),
];

/// Returns all tables, for a terminal.
pub fn tables(results: &Results) -> String {
    files(results).into_iter().filter(|(name, _)| name.ends_with(".md")).map(|(_, text)| text + "\n").collect()
}

/// Writes tables, charts and results to the folder of the book.
///
/// # Errors
/// A file cannot be written.
pub fn write(results: &Results, book: &Path) -> Result<(), String> {
    fs::create_dir_all(book).map_err(|error| error.to_string())?;
    for (name, text) in files(results) {
        fs::write(book.join(&name), text).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// Returns the files of one node, and those of two nodes. A run without figures of the one kind does not replace its
/// files.
fn files(results: &Results) -> Vec<(String, String)> {
    let remote = |figure: &Figure| REMOTE.iter().chain(LARGE).any(|(name, _)| *name == figure.workload);
    let one_node = Results { builds: results.builds.clone(), ..results.only(|figure| !remote(figure)) };
    let two_nodes = results.only(remote);
    let mut files = Vec::new();
    if !one_node.figures.is_empty() {
        files.extend(files_of_one_node(&one_node));
    }
    if !two_nodes.figures.is_empty() {
        files.extend(files_of_two_nodes(&two_nodes));
    }
    files
}

fn files_of_two_nodes(results: &Results) -> [(String, String); 5] {
    [
        ("nodes-about.md".to_owned(), about(results)),
        ("nodes.md".to_owned(), table(results, 2, REMOTE, &["erlang", "tcp"])),
        ("nodes.svg".to_owned(), bars(results, 2, REMOTE)),
        ("nodes-large.md".to_owned(), table(results, 2, LARGE, &["erlang"])),
        ("nodes.json".to_owned(), json(results)),
    ]
}

fn files_of_one_node(results: &Results) -> Vec<(String, String)> {
    let mut files = vec![("about.md".to_owned(), about(results)), ("results.json".to_owned(), json(results))];
    for (name, threads) in [("two", 2), ("one", 1)] {
        let rows: Vec<_> = MESSAGES.iter().chain(LIFECYCLE).chain(MEMORY_AND_RESTARTS).copied().collect();
        files.push((format!("table-{name}.md"), table(results, threads, &rows, &["limit"])));
        files.push((format!("selective-{name}.md"), table(results, threads, SELECTIVE, &[])));
        files.push((format!("messages-{name}.svg"), bars(results, threads, MESSAGES)));
        files.push((format!("lives-{name}.svg"), bars(results, threads, LIFECYCLE)));
        files.push((format!("room-{name}.svg"), bars(results, threads, MEMORY_AND_RESTARTS)));
    }
    for (name, rows) in SUMMARY {
        files.push((format!("{name}.svg"), bars(results, 2, rows)));
    }
    files.push(("selective.svg".to_owned(), selective(results)));
    for (name, x, series) in GROWTH {
        files.push((format!("growth-{name}.svg"), growth(results, x, series)));
        files.push((format!("growth-{name}.md"), growth_table(results, x, series)));
    }
    files.push(("fairness.md".to_owned(), fairness(results)));
    files.push(("builds.md".to_owned(), builds(results)));
    files.push(("builds.svg".to_owned(), builds_chart(results)));
    files
}

fn json(results: &Results) -> String {
    serde_json::to_string_pretty(results).expect("the results are maps with strings as keys") + "\n"
}

fn about(results: &Results) -> String {
    let mut text = String::new();
    let about = |name: &str| results.about.get(name).map_or("unknown", String::as_str);
    let rounds = results.rounds;
    writeln!(
        text,
        "Measured on {}: {}, {}, {}. {rounds} round{}.",
        about("date"),
        about("machine"),
        about("kernel"),
        about("rustc"),
        if rounds == 1 { "" } else { "s" }
    )
    .expect("writing to a `String` succeeds");
    let measured = |system: &&System| results.figures.iter().any(|figure| figure.system == system.name);
    let versions = SYSTEMS.iter().filter(measured).filter_map(|system| {
        let version = results.about.get(system.name)?;
        match system.name {
            "limit" => None,
            "mpsc" | "tcp" => Some(format!("tokio {version}")),
            name => Some(format!("{name} {version}")),
        }
    });
    writeln!(text, "{}.", versions.collect::<Vec<_>>().join(", ")).expect("writing to a `String` succeeds");
    if let Some(cut) = results.about.get("cut") {
        writeln!(text, "\n**The sizes of the workloads were divided by {cut}, so the figures are not reliable.**")
            .expect("writing to a `String` succeeds");
    }
    let failed = results.figures.iter().filter(|figure| figure.failed > 0);
    let failures: Vec<_> = failed
        .map(|Figure { system, workload, threads, failed, .. }| {
            format!("{system} failed at `{workload}` on {threads} thread(s) in {failed}")
        })
        .collect();
    if !failures.is_empty() {
        writeln!(text, "\nOf these rounds, {}.", failures.join("; ")).expect("writing to a `String` succeeds");
    }
    text
}

fn with_unit(value: f64, unit: &str) -> String {
    let text = match unit {
        "ops/s" => short(value),
        "B/s" => format!("{} MB/s", trim((value / 1e6).round())),
        "ns" if value >= 1e6 => format!("{} ms", trim(value / 1e6)),
        "ns" if value >= 1e4 => format!("{} µs", trim(value / 1e3)),
        "ns" => format!("{} ns", trim(value.round())),
        _ => format!("{} B", trim(value.round())),
    };
    // A narrow column of a table does not part the number from its unit.
    text.replace(' ', "\u{a0}")
}

/// Returns a table with a row for each workload and a column for each system, and columns with greenroom's ratio to the
/// systems of `references`. The spread is below the median.
fn table(results: &Results, threads: u64, rows: &[Row], references: &[&str]) -> String {
    let systems: Vec<_> = SYSTEMS
        .iter()
        .map(|system| system.name)
        .filter(|system| rows.iter().any(|(workload, _)| results.get(system, workload, threads).is_some()))
        .collect();
    let has_ratio = |reference: &&&str| systems.contains(*reference) && systems.contains(&"greenroom");
    let references: Vec<_> = references.iter().filter(has_ratio).collect();
    let mut text = format!("| workload | {} |", systems.join(" | "));
    for reference in &references {
        write!(text, " greenroom to {reference} |").expect("writing to a `String` succeeds");
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(systems.len() + references.len()));
    text.push('\n');
    for (workload, words) in rows {
        if systems.iter().all(|system| results.get(system, workload, threads).is_none()) {
            continue;
        }
        write!(text, "| {words} |").expect("writing to a `String` succeeds");
        for system in &systems {
            let cell = results.get(system, workload, threads).map_or("—".to_owned(), |figure| {
                let Figure { median, min, max, unit, .. } = figure;
                let median = with_unit(*median, unit);
                if figure.values.len() == 1 {
                    return median;
                }
                format!("{median}<br><small>{}\u{a0}– {}</small>", with_unit(*min, unit), with_unit(*max, unit))
            });
            write!(text, " {cell} |").expect("writing to a `String` succeeds");
        }
        for reference in &references {
            let ratio = results
                .get("greenroom", workload, threads)
                .zip(results.get(reference, workload, threads))
                .map_or("—".to_owned(), |(ours, other)| format!("{:.2}", ours.ratio_to(other)));
            write!(text, " {ratio} |").expect("writing to a `String` succeeds");
        }
        text.push('\n');
    }
    text
}

fn bars(results: &Results, threads: u64, rows: &[Row]) -> String {
    let group = |(workload, words): &Row| {
        let figures = SYSTEMS.iter().filter_map(|system| results.get(system.name, workload, threads));
        let bars: Vec<_> = figures
            .map(|figure| Bar {
                label: figure.system.clone(),
                value: figure.median,
                spread: (figure.min, figure.max),
                text: with_unit(figure.median, &figure.unit),
            })
            .collect();
        let unit = match results.figures.iter().find(|figure| figure.workload == *workload)?.unit.as_str() {
            "ops/s" => "operations a second",
            "ns" => "time, less is better",
            _ => "less is better",
        };
        Some(Group { title: format!("{workload}: {words} ({unit})"), bars })
    };
    chart::bars("medians, with the spread", &rows.iter().filter_map(group).collect::<Vec<_>>())
}

/// Returns the points of all figures named `prefix/x`.
fn points(results: &Results, system: &str, prefix: &str, threads: u64) -> Vec<(f64, f64)> {
    let mut points: Vec<_> = results
        .figures
        .iter()
        .filter(|figure| figure.system == system && figure.threads == threads && !figure.values.is_empty())
        .filter_map(|figure| {
            let x = figure.workload.strip_prefix(prefix)?.strip_prefix('/')?;
            Some((x.parse().ok()?, figure.median))
        })
        .collect();
    points.sort_by(|a: &(f64, f64), b| a.0.total_cmp(&b.0));
    points
}

fn selective(results: &Results) -> String {
    let lines: Vec<_> = SYSTEMS
        .iter()
        .flat_map(|system| {
            [("selrecv", system.name.to_owned()), ("selrecv_guard", format!("{}, refused", system.name))]
                .map(|(prefix, label)| Line { label, points: points(results, system.name, prefix, 2) })
        })
        .filter(|line| !line.points.is_empty())
        .collect();
    chart::lines("messages that wait", "ns a receive", &lines)
}

/// A chart of growth: its name, the label of its horizontal axis, and its lines.
type Growth = (&'static str, &'static str, &'static [Row]);

const GROWTH: &[Growth] = &[
    (
        "processes",
        "processes",
        &[
            ("growth_spawn", "start"),
            ("growth_cast", "a message"),
            ("growth_named", "a message by name"),
            ("growth_stop", "stop"),
        ],
    ),
    ("saved", "saved messages", &[("growth_unwanted", "of another variant"), ("growth_refused", "refused by a guard")]),
    ("bytes", "bytes a message", &[("growth_bytes", "round trip, moved"), ("growth_fresh", "allocated and dropped")]),
];

fn growth(results: &Results, x: &str, series: &[Row]) -> String {
    let line =
        |(prefix, label): &Row| Line { label: (*label).to_owned(), points: points(results, "greenroom", prefix, 1) };
    let lines: Vec<_> = series.iter().map(line).filter(|line| !line.points.is_empty()).collect();
    chart::lines(x, "ns an operation", &lines)
}

fn growth_table(results: &Results, x: &str, series: &[Row]) -> String {
    let columns: Vec<_> = series.iter().map(|(prefix, _)| points(results, "greenroom", prefix, 1)).collect();
    let labels: Vec<_> = series.iter().map(|(_, label)| *label).collect();
    let mut text = format!("| {x} | {} |\n|---:|{}\n", labels.join(" | "), "---:|".repeat(labels.len()));
    for (at, (value, _)) in columns.first().into_iter().flatten().enumerate() {
        write!(text, "| {} |", short(*value)).expect("writing to a `String` succeeds");
        for column in &columns {
            let cell = column.get(at).map_or("—".to_owned(), |(_, nanos)| with_unit(*nanos, "ns"));
            write!(text, " {cell} |").expect("writing to a `String` succeeds");
        }
        text.push('\n');
    }
    text
}

fn fairness(results: &Results) -> String {
    let mut text = "| | 50 % | 99 % | 99.9 % | maximum |\n|---|---:|---:|---:|---:|\n".to_owned();
    for (name, words) in [("calm", "no process is flooded"), ("flood", "a neighbour is flooded")] {
        write!(text, "| {words} |").expect("writing to a `String` succeeds");
        for share in ["p50", "p99", "p99.9", "max"] {
            let figure = results.get("greenroom", &format!("{name}/{share}"), 2);
            write!(text, " {} |", figure.map_or("—".to_owned(), |figure| with_unit(figure.median, "ns")))
                .expect("writing to a `String` succeeds");
        }
        text.push('\n');
    }
    text
}

fn builds(results: &Results) -> String {
    let mut text = "| | crates | from nothing | after a change |\n|---|---:|---:|---:|\n".to_owned();
    for build in &results.builds {
        let (system, crates) = (&build.system, build.crates);
        writeln!(text, "| {system} | {crates} | {:.1} s | {:.1} s |", build.seconds, build.edit)
            .expect("writing to a `String` succeeds");
    }
    text
}

fn builds_chart(results: &Results) -> String {
    let bars = |seconds: fn(&crate::results::Build) -> f64| {
        results.builds.iter().map(move |build| Bar {
            label: build.system.split_once(", ").map_or(build.system.as_str(), |(_, kind)| kind).to_owned(),
            value: seconds(build),
            spread: (seconds(build), seconds(build)),
            text: format!("{:.1} s", seconds(build)),
        })
    };
    let groups = [
        Group {
            title: "from nothing (seconds, less is better)".to_owned(),
            bars: bars(|build| build.seconds).collect(),
        },
        Group {
            title: "after a change (seconds, less is better)".to_owned(),
            bars: bars(|build| build.edit).collect(),
        },
    ];
    chart::bars("compiling a first actor", &groups)
}
