//! The page of the book with all messages and errors, compared with the sources.

use std::collections::BTreeSet;
use std::path::Path;

use crate::source::{self, Kind, Token};

/// The mark for a part of a message that depends on the program.
const ANY: char = '…';

/// The first cells of the rows below the headings that `wanted` accepts.
fn entries(page: &str, wanted: impl Fn(&str) -> bool) -> Vec<&str> {
    let (mut heading, mut found) = ("", Vec::new());
    for line in page.lines() {
        if let Some(text) = line.strip_prefix("## ").or(line.strip_prefix("### ")) {
            heading = text;
        } else if let Some(row) = line.strip_prefix("| ")
            && wanted(heading)
        {
            found.extend(row.split(" | ").next());
        }
    }
    found
}

/// Returns true if the entry is this message, with any text in the place of each mark.
fn matches(entry: &str, message: &str) -> bool {
    let Some((start, rest)) = entry.split_once(ANY) else { return entry == message };
    message.strip_prefix(start).is_some_and(|left| {
        let ends = left.char_indices().map(|(at, first)| at + first.len_utf8());
        ends.map(|end| &left[end..]).any(|left| matches(rest, left))
    })
}

/// Asserts that each message has an entry on the page.
#[track_caller]
fn check(page: &str, messages: BTreeSet<String>) {
    let entries = entries(page, |_| true);
    assert!(messages.len() > 50, "the sources have messages");
    // A message of the sources is also a pattern, of the messages that its arguments make.
    let has = |message: &str| entries.iter().any(|entry| matches(entry, message) || matches(message, entry));
    let missing: Vec<_> = messages.into_iter().filter(|message| !has(message)).collect();
    assert!(missing.is_empty(), "not in book/src/errors.md:\n{}", missing.join("\n"));
}

fn page() -> String {
    std::fs::read_to_string(source::workspace().join("book/src/errors.md")).expect("the book has the page")
}

fn sources() -> Vec<source::File> {
    ["runtime/core/src", "runtime/etcd/src"]
        .iter()
        .flat_map(|folder| source::files(&source::workspace().join(folder), &["rs"]))
        .collect()
}

/// The text of a string literal, with the mark in the place of each format argument.
fn text(literal: &str) -> String {
    let text = literal[1..literal.len() - 1].replace("\\\"", "\"");
    let mut words = text.split('{');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, rest| format!("{text}{ANY}{}", rest.split_once('}').map_or("", |(_, rest)| rest)))
}

/// The tokens of a file, without comments.
fn code(file: &source::File) -> Vec<Token<'_>> {
    source::lex(&file.text).into_iter().filter(|token| token.kind != Kind::Comment).collect()
}

/// Returns true if the tokens begin with these.
fn begins(tokens: &[Token<'_>], expected: &[&str]) -> bool {
    tokens.len() >= expected.len() && tokens.iter().zip(expected).all(|(token, text)| token.text == *text)
}

#[test]
fn each_message_of_the_compiler_has_an_entry() {
    let mut messages = BTreeSet::new();
    for file in source::files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ui"), &["stderr"]) {
        let errors = file.text.lines().filter(|line| line.starts_with("error"));
        messages.extend(errors.filter_map(|line| line.split_once(": ")).map(|(_, message)| message.to_owned()));
    }
    for file in source::files(&source::workspace().join("macros/src"), &["rs"]) {
        let tokens = code(&file);
        let calls = (0..tokens.len()).filter(|at| {
            ["error", "new", "new_spanned", "push", "push_help"].iter().any(|name| begins(&tokens[*at..], &[name, "("]))
        });
        // The message is the second argument, or the only one. A single word is not a message.
        let literals = calls.filter_map(|at| literals(&tokens[at + 2..]).next()).filter(|(argument, _)| *argument < 2);
        messages.extend(literals.map(|(_, literal)| text(literal)).filter(|message| message.contains(' ')));
    }
    for file in sources() {
        let tokens = code(&file);
        let values = (0..tokens.len()).filter(|at| begins(&tokens[*at..], &["message", "="]));
        let literals = values.filter_map(|at| tokens.get(at + 2)).filter(|token| token.kind == Kind::Text);
        messages.extend(literals.map(|token| text(token.text)));
    }
    check(&page(), messages);
}

#[test]
fn each_variant_of_an_error_has_an_entry() {
    let (page, mut missing, mut enums) = (page(), Vec::new(), 0);
    for file in sources() {
        let tokens = code(&file);
        for at in (0..tokens.len()).filter(|at| begins(&tokens[*at..], &["pub", "enum"])) {
            let name = tokens[at + 2].text;
            if !name.ends_with("Error") && !name.ends_with("ErrorKind") {
                continue;
            }
            enums += 1;
            let entries = entries(&page, |heading| heading == format!("`{name}`"));
            let variants = variants(&tokens[at + 3..]);
            assert!(!variants.is_empty(), "{name}");
            let absent = variants.into_iter().filter(|variant| !entries.contains(&format!("`{variant}`").as_str()));
            missing.extend(absent.map(|variant| format!("{name}::{variant}")));
        }
    }
    assert!(enums > 10, "the sources have errors");
    assert!(missing.is_empty(), "not in book/src/errors.md:\n{}", missing.join("\n"));
}

/// The names of the variants of an enum, whose block the tokens begin with.
fn variants<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let (mut depth, mut before, mut found) = (0, "", Vec::new());
    for token in tokens {
        if depth == 1 && token.kind == Kind::Word && ["{", ",", "]"].contains(&before) {
            found.push(token.text);
        }
        match token.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        before = token.text;
    }
    found
}

#[test]
fn each_warning_and_error_of_the_log_has_an_entry() {
    let mut messages = BTreeSet::new();
    for file in sources() {
        let tokens = code(&file);
        for at in 0..tokens.len() {
            let is_call = |level| begins(&tokens[at..], &["log", ":", ":", level, "!", "("]);
            if is_call("warn") || is_call("error") {
                messages.extend(literals(&tokens[at + 6..]).last().map(|(_, literal)| text(literal)));
            }
        }
    }
    // The texts of alarms and of children are variables.
    messages.retain(|message| !message.trim_matches(ANY).is_empty());
    check(&page(), messages);
}

/// The string literals of the call whose arguments the tokens begin with, with the numbers of their arguments.
fn literals<'a>(tokens: &[Token<'a>]) -> impl Iterator<Item = (usize, &'a str)> {
    let (mut depth, mut argument) = (1, 0);
    let arguments = tokens.iter().map_while(move |token| {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            "," if depth == 1 => argument += 1,
            _ => {}
        }
        (depth > 0).then_some((argument, token))
    });
    arguments.filter(|(_, token)| token.kind == Kind::Text).map(|(argument, token)| (argument, token.text))
}

#[test]
fn an_entry_is_compared_with_a_message() {
    let check = |entry, message, expected| assert_eq!(matches(entry, message), expected, "{entry} {message}");
    check("expected `,`", "expected `,`", true);
    check("expected `,`", "expected `,` after `clock`", false);
    check("expected `,` after `…`", "expected `,` after `clock`", true);
    check("`…` is not a `…`", "`Mail` is not a `Log`", true);
    check("`…` is not a `…`", "`` is not a `Log`", false);
    check("more …", "more of it", true);
    check("… ended", "the process ended twice", false);
    assert_eq!(text(r#""`{Self}` has a \"{name}\"""#), "`…` has a \"…\"");
}
