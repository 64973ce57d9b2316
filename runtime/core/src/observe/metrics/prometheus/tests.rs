//! A parser of the text format, written from the format's rules, reads the output.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::observe::{ExitCounts, Traffic};

type Sample = (String, Vec<(String, String)>);

/// Parses a page; panics at the first line that breaks a rule.
fn parse(page: &str) -> BTreeMap<Sample, f64> {
    assert!(page.ends_with('\n'), "the last line has no end");
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeMap::new());
    let mut current = String::new();
    let mut samples = BTreeMap::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, _) = rest.split_once(' ').expect("no help text");
            assert!(helped.insert(name.to_owned()), "a second help text: {line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("no type");
            assert!(["counter", "gauge"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(typed.insert(name.to_owned(), kind.to_owned()).is_none(), "a second type: {line}");
            current = name.to_owned();
        } else {
            let (name, labels, value) = sample(line);
            // The samples of a family follow its type.
            assert_eq!(name, current, "{line}");
            let value: f64 = value.parse().expect("not a number");
            assert!(samples.insert((name, labels), value).is_none(), "a second sample: {line}");
        }
    }
    assert_eq!(helped, typed.into_keys().collect());
    samples
}

fn sample(line: &str) -> (String, Vec<(String, String)>, &str) {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').expect("no value");
    let (name, mut rest) = line.split_at(end);
    assert!(!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()), "{line}");
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, value) = rest.split_once("=\"").expect("no label");
            assert!(!label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
            let (text, after) = quoted(value);
            labels.push((label.to_owned(), text));
            match after.split_at(1) {
                (",", next) => rest = next,
                ("}", next) => {
                    rest = next;
                    break;
                }
                _ => panic!("{line}"),
            }
        }
    }
    (name.to_owned(), labels, rest.strip_prefix(' ').expect("no space"))
}

/// Splits a label's value from the text behind its closing quote.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match chars.next().expect("no character behind `\\`").1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                other => panic!("unknown escape: {other}"),
            }),
            '\n' => panic!("a line end in a label"),
            c => value.push(c),
        }
    }
    panic!("a label without an end")
}

fn labels(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_output_follows_the_rules_of_the_format() {
    let escaped = "a \"quoted\" \\ back\nline";
    let mail = ProtocolMetrics {
        received: u64::MAX,
        timeouts: 4,
        ended: ExitCounts { panic: 3, ..ExitCounts::default() },
        ..ProtocolMetrics::default()
    };
    let metrics = Metrics {
        node: escaped.to_owned(),
        uptime: Duration::from_millis(1_500),
        protocols: [("Mail".to_owned(), mail), (escaped.to_owned(), ProtocolMetrics::default())].into(),
        traffic: [(escaped.to_owned(), Traffic { received: 1, sent: 2 })].into(),
        restarts: [("/ChatTree".to_owned(), 7)].into(),
        alarms: [("long_mailbox".to_owned(), 1)].into(),
        ..Metrics::default()
    };
    let samples = parse(&metrics.to_prometheus());
    let value = |name: &str, of: &[(&str, &str)]| samples[&(format!("greenroom_{name}"), labels(of))];
    assert_eq!(value("node_info", &[("node", escaped)]), 1.0);
    assert_eq!(value("uptime_seconds", &[]), 1.5);
    assert_eq!(value("messages_received_total", &[("protocol", "Mail")]), u64::MAX as f64);
    assert_eq!(value("messages_received_total", &[("protocol", escaped)]), 0.0);
    assert_eq!(value("processes_ended_total", &[("protocol", "Mail"), ("reason", "panic")]), 3.0);
    assert_eq!(value("call_timeouts_total", &[("protocol", "Mail")]), 4.0);
    assert_eq!(value("peer_received_bytes_total", &[("peer", escaped)]), 1.0);
    assert_eq!(value("peer_sent_bytes_total", &[("peer", escaped)]), 2.0);
    assert_eq!(value("restarts_total", &[("supervisor", "/ChatTree")]), 7.0);
    assert_eq!(value("alarms", &[("alarm", "long_mailbox")]), 1.0);
}

#[test]
fn empty_metrics_have_a_valid_page() {
    parse(&Metrics::default().to_prometheus());
}
