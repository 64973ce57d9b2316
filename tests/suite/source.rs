//! Reads the workspace's own files, for the tests that check its structure and its prose.

use std::fs;
use std::path::{Path, PathBuf};

/// One file, with its path relative to the folder that was read.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// One token of Rust source, a comment, or a literal; white space is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// The line on which it starts; the first is 1.
    pub(crate) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// A single character of punctuation.
    Sign,
    /// A comment or a doc comment, with its slashes.
    Comment,
    /// A string literal, with its quotes.
    Text,
    /// A character literal or a lifetime.
    Other,
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns each file below `folder` with one of the extensions, sorted by path.
pub(crate) fn files(folder: &Path, extensions: &[&str]) -> Vec<File> {
    fn walk(folder: &Path, extensions: &[&str], paths: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    walk(&path, extensions, paths);
                }
            } else if path.extension().is_some_and(|extension| extensions.iter().any(|one| extension == *one)) {
                paths.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(folder, extensions, &mut paths);
    paths.sort();
    let relative = |path: &Path| path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
    paths.iter().map(|path| File { path: relative(path), text: fs::read_to_string(path).unwrap() }).collect()
}

/// Splits Rust source into tokens.
pub(crate) fn lex(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let (kind, length) = match first {
            _ if rest.starts_with("//") => (Some(Kind::Comment), rest.find('\n').unwrap_or(rest.len())),
            _ if rest.starts_with("/*") => {
                (Some(Kind::Comment), rest.find("*/").map_or(rest.len(), |end| end + "*/".len()))
            }
            '"' => (Some(Kind::Text), quoted(rest, '"')),
            'b' | 'c' | 'r' if let Some(length) = prefixed(rest) => (Some(Kind::Text), length),
            '\'' => {
                // A lifetime has no closing quote near by.
                let mut chars = rest.chars().skip(1);
                let (one, two) = (chars.next(), chars.next());
                let literal = one == Some('\\') || two == Some('\'');
                (Some(Kind::Other), if literal { quoted(rest, '\'') } else { 1 + word(&rest[1..]) })
            }
            _ if first.is_alphanumeric() || first == '_' => (Some(Kind::Word), word(rest)),
            _ => ((!first.is_whitespace()).then_some(Kind::Sign), first.len_utf8()),
        };
        let (text, after) = rest.split_at(length);
        tokens.extend(kind.map(|kind| Token { kind, text, line }));
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

/// The length of the word at the start.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The length of the literal at the start, which begins and ends with `quote`.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the string literal with a prefix (`b`, `c`, `r`, `br`, `cr`) at the start.
fn prefixed(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r"].iter().find(|prefix| text.starts_with(**prefix))?.len();
    let after = &text[prefix..];
    if !text[..prefix].ends_with('r') {
        return after.starts_with('"').then(|| prefix + quoted(after, '"'));
    }
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then(|| {
        let end = format!("\"{}", "#".repeat(hashes));
        let start = prefix + hashes + 1;
        text[start..].find(&end).map_or(text.len(), |at| start + at + end.len())
    })
}

/// The words and signs of Rust source, without comments, literals and items under `#[cfg(test)]`.
pub(crate) fn code(text: &str) -> Vec<&str> {
    let tokens: Vec<_> = lex(text)
        .into_iter()
        .filter(|token| matches!(token.kind, Kind::Word | Kind::Sign))
        .map(|token| token.text)
        .collect();
    let marker = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = &tokens[..];
    while let Some(token) = rest.first() {
        if rest.starts_with(&marker) {
            rest = &rest[item(rest)..];
        } else {
            kept.push(*token);
            rest = &rest[1..];
        }
    }
    kept
}

/// The number of tokens up to the end of the item at the start: its `;`, or the brace that closes its body.
fn item(tokens: &[&str]) -> usize {
    let mut level = 0;
    let end = tokens.iter().position(|token| {
        level += i32::from(["{", "(", "["].contains(token)) - i32::from(["}", ")", "]"].contains(token));
        level == 0 && ["}", ";"].contains(token)
    });
    end.map_or(tokens.len(), |end| end + 1)
}

#[test]
fn code_has_no_comments_literals_or_tests() {
    let check = |text: &str, expected: &[&str]| assert_eq!(code(text), expected, "{text}");
    check("a::b // c\n/* d */ e", &["a", ":", ":", "b", "e"]);
    check(
        r##"a("b \" c", r#"d " e"#, b"f", br"g\", 'h', '\'', '"') i"##,
        &["a", "(", ",", ",", ",", ",", ",", ",", ")", "i"],
    );
    check("fn f<'a>(x: &'static str)", &["fn", "f", "<", ">", "(", "x", ":", "&", "str", ")"]);
    check("a #[cfg(test)] mod tests { b { c } } d #[cfg(test)] mod tests; e", &["a", "d", "e"]);
    check("a #[cfg(test)] fn b(c: [u8; 3]) { d(); } e", &["a", "e"]);
    check("rate = b + r; r#type", &["rate", "=", "b", "+", "r", ";", "r", "#", "type"]);
}

#[test]
fn a_token_has_its_line() {
    let lines: Vec<_> = lex("a\n\"b\nc\" /* d\n */ e\n// f").iter().map(|token| (token.text, token.line)).collect();
    assert_eq!(lines, [("a", 1), ("\"b\nc\"", 2), ("/* d\n */", 3), ("e", 4), ("// f", 5)]);
}
