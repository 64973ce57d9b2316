//! The prose of a file: its paragraphs, word by word, without code.

use crate::source::{self, File, Kind, Token};

/// A paragraph, an entry of a list, a cell of a table, one message, or a name.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) place: Place,
    pub(super) words: Vec<Word>,
}

/// Where prose can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The first paragraph of a doc comment.
    Opening,
    /// Anywhere else in a comment or a page.
    Text,
    /// A heading in one.
    Heading,
    /// A string literal.
    Message,
    /// A string literal in the `Display` of an error.
    Error,
    /// A name that a program defines.
    Name,
}

#[derive(Debug)]
pub(super) struct Word {
    /// In lower case, without punctuation; [`CODE`] for code.
    pub(super) text: String,
    pub(super) line: usize,
    /// Returns whether its first letter, and no other, is a capital.
    pub(super) capital: bool,
    /// The mark behind it that ends a sentence, or a part of one: `.`, `!`, `?`, `:` or `;`.
    pub(super) end: Option<char>,
}

/// The word for a span of code.
pub(super) const CODE: &str = "`";

/// A line of prose and its number.
type Line<'a> = (usize, &'a str);

/// Returns the prose of a file by the extension of its name.
pub(super) fn passages(file: &File) -> Vec<Passage> {
    match file.path.rsplit_once('.') {
        Some((_, "rs")) => rust(&file.text),
        Some((_, "md")) => {
            let lines: Vec<Line<'_>> = file.text.lines().enumerate().map(|(at, line)| (at + 1, line)).collect();
            page(&lines, Place::Text)
        }
        _ => hashes(&file.text),
    }
}

/// The prose of Rust source: comments, literals, and the names that it defines.
fn rust(text: &str) -> Vec<Passage> {
    let tokens = source::lex(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at];
        match token.kind {
            Kind::Comment => {
                let prefix = prefix(token.text);
                let block = block(&tokens[at..], prefix);
                let lines: Vec<Line<'_>> =
                    tokens[at..at + block].iter().flat_map(|token| stripped(token, prefix)).collect();
                let opening = if ["///", "//!"].contains(&prefix) { Place::Opening } else { Place::Text };
                found.extend(page(&lines, opening));
                at += block;
                continue;
            }
            // A raw literal is code, or data of a test.
            Kind::Text if token.text.starts_with('"') => {
                let place = if is_doc(&tokens[..at]) { Place::Opening } else { Place::Message };
                let parts = parts(token.text).into_iter();
                found.extend(parts.filter_map(|(at, part)| passage(&[(token.line + at, &unescaped(part))], place)));
            }
            Kind::Word if token.text != "mut" && defines(&tokens[..at]) => found.push(name(token)),
            _ => {}
        }
        at += 1;
    }
    errors(&tokens, &mut found);
    found
}

/// The slashes, and what belongs to them, at the start of a comment.
fn prefix(comment: &str) -> &'static str {
    ["////", "///", "//!", "//", "/**", "/*!", "/*"]
        .into_iter()
        .find(|prefix| comment.starts_with(prefix))
        .unwrap_or("")
}

/// The number of comments at the start that are on consecutive lines and of one kind.
fn block(tokens: &[Token<'_>], kind: &str) -> usize {
    let follows = |(at, token): &(usize, &Token<'_>)| {
        token.kind == Kind::Comment && prefix(token.text) == kind && token.line == tokens[0].line + at
    };
    tokens.iter().enumerate().take_while(follows).count().max(1)
}

/// The lines of a comment without slashes and stars.
fn stripped<'a>(token: &Token<'a>, prefix: &str) -> Vec<Line<'a>> {
    let text = token.text[prefix.len()..].trim_end_matches("*/");
    text.split('\n').enumerate().map(|(at, line)| (token.line + at, line)).collect()
}

/// Returns whether `#[doc =` comes next.
fn is_doc(before: &[Token<'_>]) -> bool {
    before.iter().rev().take(4).map(|token| token.text).eq(["=", "doc", "[", "#"])
}

/// Returns whether the next word is a name that is defined.
fn defines(before: &[Token<'_>]) -> bool {
    let mut before = before.iter().rev().map(|token| token.text).skip_while(|token| *token == "mut");
    let words = ["fn", "struct", "enum", "union", "trait", "type", "mod", "let", "const", "static"];
    before.next().is_some_and(|token| words.contains(&token))
}

/// The words of a name in snake case, camel case or capitals.
fn name(token: Token<'_>) -> Passage {
    let mut words = Vec::<String>::new();
    let mut lower = false;
    for c in token.text.chars() {
        if c == '_' || words.is_empty() || (c.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = c.is_lowercase();
        if c != '_' {
            words.last_mut().expect("a word").extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    let word = |text| Word { text, line: token.line, capital: false, end: None };
    Passage { place: Place::Name, words: words.into_iter().map(word).collect() }
}

/// Marks the messages in each `impl Display for SomeError`.
fn errors(tokens: &[Token<'_>], found: &mut [Passage]) {
    let code: Vec<_> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    for (at, three) in code.windows(3).enumerate() {
        if three[0].text != "Display" || three[1].text != "for" || !three[2].text.ends_with("Error") {
            continue;
        }
        let mut level = 0;
        for token in &code[at + 3..] {
            level += i32::from(token.text == "{") - i32::from(token.text == "}");
            if level == 0 && token.text == "}" {
                break;
            }
            for passage in found.iter_mut() {
                let here = passage.words.first().is_some_and(|word| word.line == token.line);
                if token.kind == Kind::Text && here && passage.place == Place::Message {
                    passage.place = Place::Error;
                }
            }
        }
    }
}

/// The parts of a string literal, with their lines: a new one begins at each line of a table or a drawing, whose first
/// character is not alphanumeric.
fn parts(literal: &str) -> Vec<Line<'_>> {
    let (mut found, mut start, mut first, mut line) = (Vec::new(), 0, 0, 0);
    for (at, _) in literal.match_indices('\n') {
        line += 1;
        let is_continued = literal[..at].ends_with('\\');
        if !is_continued && !literal[at + 1..].starts_with(char::is_alphanumeric) {
            found.push((first, &literal[start..at]));
            (start, first) = (at + 1, line);
        }
    }
    found.push((first, &literal[start..]));
    found
}

/// A string literal without quotes, escapes and placeholders.
fn unescaped(literal: &str) -> String {
    let mut text = String::new();
    let mut chars = literal.trim_matches('"').chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('\n') => text.push('\n'),
                Some('"') => text.push('"'),
                _ => text.push(' '),
            },
            '{' if chars.peek() == Some(&'{') => text.push(c),
            '{' => {
                let placeholder: String = chars.by_ref().take_while(|c| *c != '}').collect();
                text.push_str(if placeholder.contains('\n') { "\n" } else { "``" });
            }
            c => text.push(c),
        }
    }
    text
}

/// The prose of TOML and of shell scripts: what follows a `#`.
fn hashes(text: &str) -> Vec<Passage> {
    let comment = |(at, line): (usize, &'_ str)| {
        let (before, after) = line.split_once('#')?;
        let after = after.trim_start_matches('#');
        (before.trim().is_empty() && !after.starts_with('!')).then(|| (at + 1, after.to_owned()))
    };
    let lines: Vec<_> =
        text.lines().enumerate().map(|line| comment(line).unwrap_or((line.0 + 1, String::new()))).collect();
    let lines: Vec<Line<'_>> = lines.iter().map(|(line, text)| (*line, text.as_str())).collect();
    page(&lines, Place::Text)
}

/// The passages of Markdown. Of the code in it only comments are prose.
fn page(lines: &[Line<'_>], opening: Place) -> Vec<Passage> {
    let mut found = Vec::new();
    let mut paragraph: Vec<Line<'_>> = Vec::new();
    let mut place = opening;
    let mut fence = false;
    let mut finish = |paragraph: &mut Vec<Line<'_>>, found: &mut Vec<Passage>| {
        if let Some(passage) = passage(&std::mem::take(paragraph), place) {
            found.push(passage);
            place = Place::Text;
        }
    };
    for &(number, line) in lines {
        let text = line.trim();
        if text.starts_with("```") {
            fence = !fence;
            finish(&mut paragraph, &mut found);
        } else if fence {
            // A comment of several lines is one paragraph.
            match text.split_once("// ").filter(|(code, _)| !code.ends_with([':', '/'])) {
                Some((_, comment)) => paragraph.push((number, comment)),
                None => finish(&mut paragraph, &mut found),
            }
        } else if let Some(row) = text.strip_prefix('|') {
            finish(&mut paragraph, &mut found);
            found.extend(row.split('|').filter_map(|cell| passage(&[(number, cell)], Place::Text)));
        } else {
            let entry = text.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(". ");
            if text.is_empty()
                || text.starts_with(['#', '>'])
                || text.starts_with("- ")
                || text.starts_with("* ")
                || entry
            {
                finish(&mut paragraph, &mut found);
            }
            // A page's title in the table of contents.
            let title = text.starts_with("- [") && text.ends_with(".md)");
            if text.starts_with('#') || title {
                finish(&mut paragraph, &mut found);
                found.extend(passage(&[(number, text)], Place::Heading));
            } else {
                paragraph.push((number, text));
            }
        }
    }
    finish(&mut paragraph, &mut found);
    found
}

/// A passage of these lines, if there is a word in them.
fn passage(lines: &[Line<'_>], place: Place) -> Option<Passage> {
    let mut words = Vec::new();
    // Characters with their lines, without code and the targets of links.
    let mut chars = lines.iter().flat_map(|(first, text)| {
        let mut line = *first;
        text.chars().chain(['\n']).map(move |c| {
            let here = line;
            line += usize::from(c == '\n');
            (c, here)
        })
    });
    let (mut raw, mut start, mut before) = (String::new(), 0, ' ');
    while let Some((c, line)) = chars.next() {
        match c {
            '`' => {
                let _ = chars.by_ref().find(|(c, _)| *c == '`');
                raw.push_str(CODE);
            }
            '(' if before == ']' => {
                let _ = chars.by_ref().find(|(c, _)| *c == ')');
            }
            c if c.is_whitespace() => {
                words.extend(word(&std::mem::take(&mut raw), start));
            }
            c => raw.push(c),
        }
        if raw.chars().count() <= 1 {
            start = line;
        }
        before = c;
    }
    words.extend(word(&raw, start));
    words.iter().any(|word| word.text != CODE).then_some(Passage { place, words })
}

/// A word with the punctuation around it.
fn word(raw: &str, line: usize) -> Option<Word> {
    let core = raw.trim_matches(|c: char| !c.is_alphanumeric() && c != '`');
    let text = core.strip_suffix("'s").unwrap_or(core);
    let closed = raw.trim_end_matches(['"', '\'', ')', ']', '*', '_']);
    let end = closed.chars().last().filter(|c| ['.', '!', '?', ':', ';'].contains(c));
    let word = || Word {
        text: text.to_lowercase(),
        line,
        capital: core.starts_with(char::is_uppercase) && !core.chars().skip(1).any(char::is_uppercase),
        end,
    };
    (!text.is_empty()).then(word)
}

#[test]
fn the_prose_of_a_file() {
    let check = |path: &str, text: &str, expected: &[(Place, usize, &str)]| {
        let found = passages(&File { path: path.to_owned(), text: text.to_owned() });
        let found: Vec<_> = found
            .iter()
            .map(|passage| {
                let words: Vec<_> = passage.words.iter().map(|word| word.text.as_str()).collect();
                (passage.place, passage.words[0].line, words.join(" "))
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(place, line, text)| (*place, *line, (*text).to_owned())).collect();
        assert_eq!(found, expected, "{text}");
    };
    check(
        "a.rs",
        "//! Reads `a.b`'s\n//! file.\n//!\n//! Then more.\n\nfn read_all() { // fast\n}",
        &[
            (Place::Opening, 1, "reads ` file"),
            (Place::Text, 4, "then more"),
            (Place::Name, 6, "read all"),
            (Place::Text, 6, "fast"),
        ],
    );
    check(
        "a.rs",
        "/// One.\n/// ```\n/// let a = 1; // two\n/// ```\n/// - [three](four)\n/// - five\nstruct HalfDone;",
        &[
            (Place::Opening, 1, "one"),
            (Place::Text, 3, "two"),
            (Place::Text, 5, "three"),
            (Place::Text, 6, "five"),
            (Place::Name, 7, "half done"),
        ],
    );
    check(
        "a.rs",
        r##"f("no {x} here\n", r#"raw text"#, "a" /* b */)"##,
        &[(Place::Message, 1, "no ` here"), (Place::Message, 1, "a"), (Place::Text, 1, "b")],
    );
    check(
        "a.rs",
        "f(\"one\\\n two\nthree\n\n  --four  five\n  six\")",
        &[(Place::Message, 1, "one two three"), (Place::Message, 5, "four five"), (Place::Message, 6, "six")],
    );
    check(
        "a.rs",
        "impl Display for AError { fn fmt() { write(\"too long\") } }",
        &[(Place::Name, 1, "fmt"), (Place::Error, 1, "too long")],
    );
    check("a.rs", "#[doc = \"The text.\"] let mut x = 1;", &[(Place::Opening, 1, "the text"), (Place::Name, 1, "x")]);
    check(
        "a.md",
        "# Title\nOne\ntwo.\n\n| a | b |\n\n```\ncode // c\n```\n1. d",
        &[
            (Place::Heading, 1, "title"),
            (Place::Text, 2, "one two"),
            (Place::Text, 5, "a"),
            (Place::Text, 5, "b"),
            (Place::Text, 8, "c"),
            (Place::Text, 10, "1 d"),
        ],
    );
    check("a.toml", "# One\n# two.\na = 1 # no\n## three", &[(Place::Text, 1, "one two"), (Place::Text, 4, "three")]);
}
