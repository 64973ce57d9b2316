//! Checks of the workspace's prose: comments, docs, messages, names, the book and the other pages.
//!
//! Each rule has samples with a violation, which it must find, and samples without.

mod passages;
mod rules;

use std::collections::BTreeMap;
use std::path::PathBuf;

use passages::passages;
use rules::{ALONE, FRAGMENT, Finding, LENGTH, METAPHOR, OPENING, ORDER, PURPOSE, SUBJECT, VERB, WIDTH};

use crate::source::{self, File};

/// The folders and files whose prose is checked.
const CHECKED: &[&str] = &[
    ".ci/release",
    ".ci/run",
    "book/src",
    "examples",
    "macros",
    "runtime",
    "template",
    "tests",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "RELEASING.md",
    "SECURITY.md",
    "Cargo.toml",
    "deny.toml",
];

/// Generated files, and the samples of these checks.
const UNCHECKED: &[&str] = &["/snapshots/", "/expanded.rs", "tests/suite/prose/"];

/// Words that stay: the end of a file's path, the words, and the reason.
const ALLOWED: &[(&str, &str, &str)] = &[("tests/peers/kameo/src/crowds.rs", "died", "a method of a trait of kameo")];

/// The environment variable with another workspace to count the violations of.
const ROOT: &str = "GREENROOM_PROSE_ROOT";
/// The environment variable with the start of the paths whose violations are listed.
const LIST: &str = "GREENROOM_PROSE_LIST";

#[test]
fn the_prose_follows_the_rules() {
    let mut used = vec![false; ALLOWED.len()];
    let mut found = Vec::new();
    for (path, finding) in workspace(&source::workspace()) {
        let allowed = ALLOWED.iter().position(|(file, words, _)| path.ends_with(file) && finding.words == *words);
        match allowed {
            Some(entry) => used[entry] = true,
            None => found.push(line(&path, &finding)),
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    for ((file, words, _), used) in ALLOWED.iter().zip(used) {
        assert!(used, "`{words}` does not occur in {file} any more: take it off the list");
    }
}

/// Prints the number of violations of each rule in each folder, and each violation of the paths that begin as `LIST`.
#[test]
#[ignore = "prints counts"]
fn counts() {
    let root = std::env::var_os(ROOT).map_or_else(source::workspace, PathBuf::from);
    let listed = std::env::var(LIST).ok();
    let mut counts = BTreeMap::<String, BTreeMap<&str, usize>>::new();
    for (path, finding) in workspace(&root) {
        for row in [folder(&path), "all".to_owned()] {
            *counts.entry(row).or_default().entry(finding.rule).or_default() += 1;
        }
        if listed.as_ref().is_some_and(|start| path.starts_with(start)) {
            println!("{}", line(&path, &finding));
        }
    }
    let rules = [OPENING, SUBJECT, VERB, LENGTH, ORDER, ALONE, FRAGMENT, METAPHOR, WIDTH, PURPOSE];
    println!("{:32}{}     all", "", rules.map(|rule| format!("{rule:>9}")).concat());
    for (folder, counts) in &counts {
        let numbers = rules.map(|rule| format!("{:>9}", counts.get(rule).copied().unwrap_or(0)));
        println!("{folder:32}{}{:>8}", numbers.concat(), counts.values().sum::<usize>());
    }
}

/// Returns each violation in a workspace, with the path of its file.
fn workspace(root: &std::path::Path) -> Vec<(String, Finding)> {
    let mut found = Vec::new();
    for checked in CHECKED {
        let path = root.join(checked);
        let files = if path.is_dir() {
            let files = source::files(&path, &["rs", "md", "toml"]);
            files.into_iter().map(|file| File { path: format!("{checked}/{}", file.path), ..file }).collect()
        } else {
            vec![File { path: (*checked).to_owned(), text: std::fs::read_to_string(&path).unwrap() }]
        };
        for file in files.iter().filter(|file| !UNCHECKED.iter().any(|part| file.path.contains(part))) {
            found.extend(violations(file).into_iter().map(|finding| (file.path.clone(), finding)));
        }
    }
    found
}

/// Returns the violations in a file.
fn violations(file: &File) -> Vec<Finding> {
    let mut found: Vec<_> = passages(file).iter().flat_map(rules::check).collect();
    if file.path.ends_with(".md") {
        found.extend(rules::wide(&file.text));
    }
    let module = file.path.contains("src/") && file.path.ends_with(".rs") && !file.path.starts_with("tests/");
    if module && !file.path.ends_with("tests.rs") && !file.path.contains("/tests/") {
        found.extend(rules::purpose(&file.text));
    }
    found.sort_by_key(|finding| finding.line);
    found
}

fn line(path: &str, finding: &Finding) -> String {
    format!("{path}:{}: {}: [{}] {}", finding.line, finding.rule, finding.words, finding.context)
}

/// A file's folder, down to the modules of the runtime.
fn folder(path: &str) -> String {
    let depth = if path.starts_with("runtime/core/src/") { 4 } else { 3 };
    let parts: Vec<_> = path.split('/').collect();
    parts[..depth.min(parts.len())].join("/")
}

#[test]
fn each_rule_finds_its_violations_and_nothing_else() {
    let check = |path: &str, text: &str| -> Vec<&'static str> {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        violations(&file).iter().map(|finding| finding.rule).collect()
    };
    let long = ["word"; 31].join("\n");
    for (rule, path, text) in [
        (OPENING, "a.rs", "/// What a process returns."),
        (OPENING, "a.rs", "//! How a message travels."),
        (OPENING, "a.rs", "/// The same for names."),
        (OPENING, "a.rs", "#[doc = \"Whether it is full.\"]"),
        (SUBJECT, "a.rs", "// The message goes to whoever calls."),
        (SUBJECT, "a.md", "This is for\nnobody."),
        (SUBJECT, "a.rs", "fn f() { panic!(\"taken by somebody else\") }"),
        (SUBJECT, "a.rs", "fn nobody_waits() {}"),
        (SUBJECT, "a.rs", "/// Returns the one that exits first."),
        (SUBJECT, "a.rs", "/// Stops.\n/// What is left is dropped."),
        (VERB, "a.rs", "/// The caller is told the reason."),
        (VERB, "a.rs", "/// ```\n/// f(); // the watcher hears of it\n/// ```"),
        (VERB, "a.md", "| a table | the process dies |"),
        (VERB, "a.toml", "# A feature says which."),
        (VERB, "a.rs", "let told = 1;"),
        (VERB, "a.rs", "struct DoomedProcess;"),
        (LENGTH, "a.md", long.as_str()),
        (ORDER, "a.rs", "// Read are the sources."),
        (ORDER, "a.rs", "// It stops. So it is with a name."),
        (ORDER, "a.md", "An address is no name."),
        (ORDER, "a.md", "Of these there is none."),
        (ALONE, "a.rs", "/// As `check`, for names."),
        (FRAGMENT, "a.rs", "impl fmt::Display for AError { fn fmt() { write!(f, \"Cannot start\") } }"),
        (METAPHOR, "a.md", "The node is on the third floor."),
        (METAPHOR, "a.rs", "// Senders stand in line."),
        (WIDTH, "a.md", &"wide".repeat(31)),
        (PURPOSE, "runtime/core/src/a.rs", "use std::fmt;"),
    ] {
        assert_eq!(check(path, text), [rule], "{text}");
    }
    let short = &long[5..];
    for (path, text) in [
        ("a.rs", "/// Returns what the process returned, and how."),
        ("a.rs", "// What is this? What follows is a comment."),
        ("a.rs", "/// The sender of a message.\n///\n/// How it waits is decided by the mailbox."),
        ("a.rs", "/// Calls `nobody` and `told`.\nfn f() { g(r\"nobody\", \"nobody\") }"),
        ("a.rs", "/// ```\n/// let dies = whom();\n/// ```"),
        ("a.md", "An incarnation number tells two processes of one name apart."),
        ("a.md", "The documentation says so. [The link](whoever.md) stays."),
        ("a.md", short),
        ("a.md", "There is no address. It is no longer there. This is not a name."),
        ("a.md", "- A node: what it does.\n## What a node does\n\nHe has read. Are there more?"),
        ("a.rs", "impl fmt::Display for AError { fn fmt() { write!(f, \"cannot start `{}`\", \"TOML\") } }"),
        ("a.md", "The background is layered; the process exits."),
        ("a.md", &format!("| {} |", "wide".repeat(31))),
        ("runtime/core/src/a.rs", "//! A file.\n"),
        ("runtime/core/src/a/tests.rs", "use std::fmt;"),
    ] {
        assert!(check(path, text).is_empty(), "{text}: {:?}", check(path, text));
    }
}
