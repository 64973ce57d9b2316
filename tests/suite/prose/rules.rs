//! The rules of prose that a program can check.

use super::passages::{Passage, Place, Word};

/// A violation.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) line: usize,
    pub(super) rule: &'static str,
    /// The offending words.
    pub(super) words: String,
    /// The words behind them.
    pub(super) context: String,
}

/// The first line of a doc comment is a noun phrase or a verb in the third person.
pub(super) const OPENING: &str = "opening";
/// A sentence names its subject.
pub(super) const SUBJECT: &str = "subject";
/// Values do not speak, hear, know or live.
pub(super) const VERB: &str = "verb";
/// A sentence is short.
pub(super) const LENGTH: &str = "length";
/// No inverted order, no "is none", no "is no X".
pub(super) const ORDER: &str = "order";
/// A doc comment does not need the one above it.
pub(super) const ALONE: &str = "alone";
/// The text of an error is a fragment in lower case.
pub(super) const FRAGMENT: &str = "fragment";
/// No metaphor but those of the field.
pub(super) const METAPHOR: &str = "metaphor";
/// A line of the book fits on the screen.
pub(super) const WIDTH: &str = "width";
/// A module's first paragraph states its purpose.
pub(super) const PURPOSE: &str = "purpose";

/// Words that must not follow each other.
struct Pattern {
    rule: &'static str,
    /// One list of alternatives for each word, with spaces between the lists and `|` between the alternatives.
    words: &'static str,
    /// Words in front of which, or behind which, the pattern is good English.
    except: &'static [Except],
    /// Whether only the start of a sentence counts.
    start: bool,
}

enum Except {
    /// One of these words is in front.
    Before(&'static str),
    /// One of these words is behind.
    After(&'static str),
    /// One of these words is behind, in the same sentence.
    Later(&'static str),
    /// The sentence is a question.
    Question,
    /// The first word has a small letter: it explains an entry of a list or a table.
    Small,
}

use Except::{After, Before, Later, Question, Small};

const fn anywhere(rule: &'static str, words: &'static str, except: &'static [Except]) -> Pattern {
    Pattern { rule, words, except, start: false }
}

const fn at_start(rule: &'static str, words: &'static str, except: &'static [Except]) -> Pattern {
    Pattern { rule, words, except, start: true }
}

const PATTERNS: &[Pattern] = &[
    anywhere(SUBJECT, "whoever|whomever|whosoever|whom|somebody|nobody|everybody|anybody", &[]),
    anywhere(SUBJECT, "the one|ones that|who", &[]),
    at_start(SUBJECT, "what|whatever", &[After("to|follows"), Question, Small]),
    anywhere(VERB, "tell|tells|told|telling", &[Later("apart")]),
    anywhere(VERB, "hear|hears|heard|hearing", &[]),
    anywhere(
        VERB,
        "says|said|saying",
        &[Before("documentation|docs|erlang|otp|page|book|chapter|readme"), Before("beam|specification|standard")],
    ),
    anywhere(VERB, "asks|asked|asking", &[]),
    anywhere(VERB, "knows|knew|learns", &[]),
    anywhere(VERB, "speaks", &[]),
    anywhere(VERB, "lives|lived|living", &[]),
    anywhere(VERB, "die|dies|died|dying|bury|buries|buried|doom|dooms|doomed", &[]),
    anywhere(VERB, "the dead|newborn", &[]),
    anywhere(VERB, "moves in", &[After("and|memory|the|a|one|order")]),
    at_start(
        ORDER,
        "added|asked|called|checked|chosen|compared|counted|done|dropped|found|given|held|kept|left|looked|lost|made|\
         meant|measured|missing|noted|put|read|seen|sent|set|shown|started|stated|stopped|taken|tested|told|tried|used|\
         written is|are|was|were",
        &[Question],
    ),
    at_start(ORDER, "so it is|was", &[]),
    at_start(ORDER, "so is|are|was|were|do|does|did|has|have|can", &[]),
    anywhere(ORDER, "is|are|was|were none", &[]),
    anywhere(
        ORDER,
        "is|are|was|were no",
        &[
            Before("there|and"),
            After("longer|more|less|different|better|worse|larger|smaller|slower|faster|higher|lower"),
        ],
    ),
    anywhere(
        METAPHOR,
        "floor|floors|house|houses|roof|attic|rim|dice|sow|sows|sown|sapling|plant|plants|planted|seat|seats|ticket|\
         tickets|ear|ears|crew|ground",
        &[],
    ),
    anywhere(METAPHOR, "stand|stands|standing|stood|wait|waits|waiting in line", &[]),
];

/// How a doc comment must not begin.
const OPENINGS: &[(&str, &str)] = &[
    (OPENING, "what|whoever|whom|whose|whether|how|that|who|so|nobody|somebody"),
    (OPENING, "the same"),
    (ALONE, "as|it|they|its|their|also|likewise|ditto"),
];

/// The most words of a sentence.
const WORDS: usize = 30;
/// The widest line of a page.
const COLUMNS: usize = 120;

/// Finds the violations in a passage.
pub(super) fn check(passage: &Passage) -> Vec<Finding> {
    let words = &passage.words;
    let mut found = Vec::new();
    if passage.place == Place::Opening {
        let openings = OPENINGS.iter().filter(|(_, opening)| matches(words, opening));
        found.extend(openings.map(|(rule, opening)| finding(rule, words, opening.split(' ').count())));
    }
    if passage.place == Place::Error && is_sentence(words) {
        found.push(finding(FRAGMENT, words, 3));
    }
    // One word is data: a key, a name, a message of a test.
    if passage.place == Place::Message && words.len() == 1 {
        return found;
    }
    for start in 0..words.len() {
        for pattern in PATTERNS {
            if matches(&words[start..], pattern.words) && counts(pattern, passage, start) {
                found.push(finding(pattern.rule, &words[start..], pattern.words.split(' ').count()));
            }
        }
        let length = sentence(&words[start..]).len();
        if begins(words, start) && length > WORDS && passage.place != Place::Name {
            found.push(Finding { words: format!("{length} words"), ..finding(LENGTH, &words[start..], 1) });
        }
    }
    found
}

/// Finds the lines of a page that are too wide. A row of a table is one line, and so is the target of a link.
pub(super) fn wide(text: &str) -> Vec<Finding> {
    let wide = |(_, line): &(usize, &str)| {
        line.chars().count() > COLUMNS && !line.starts_with('|') && !line.starts_with('[') && !line.contains("](http")
    };
    let lines = text.lines().enumerate().filter(wide);
    let finding = |(at, line): (usize, &str)| Finding {
        line: at + 1,
        rule: WIDTH,
        words: format!("{} columns", line.chars().count()),
        context: String::new(),
    };
    lines.map(finding).collect()
}

/// Finds a module without a first paragraph.
pub(super) fn purpose(text: &str) -> Option<Finding> {
    let stated = text.starts_with("//!") || text.starts_with("// @generated");
    let words = "no `//!` at the start".to_owned();
    (!stated).then_some(Finding { line: 1, rule: PURPOSE, words, context: String::new() })
}

fn finding(rule: &'static str, words: &[Word], count: usize) -> Finding {
    let text = |words: &[Word]| words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let (offending, behind) = words.split_at(count.min(words.len()));
    let context = text(&behind[..behind.len().min(6)]);
    Finding { line: words[0].line, rule, words: text(offending), context }
}

/// Whether the words begin with the pattern, within one sentence.
fn matches(words: &[Word], pattern: &str) -> bool {
    let count = pattern.split(' ').count();
    sentence(words).len() >= count
        && pattern.split(' ').zip(words).all(|(alternatives, word)| is_among(&word.text, alternatives))
}

/// Whether a pattern that is found at a word is a violation there.
fn counts(pattern: &Pattern, passage: &Passage, start: usize) -> bool {
    let words = &passage.words;
    let rest = sentence(&words[start..]);
    let after = &rest[pattern.words.split(' ').count()..];
    let excepted = pattern.except.iter().any(|except| match except {
        Before(alternatives) => start > 0 && is_among(&words[start - 1].text, alternatives),
        After(alternatives) => after.first().is_some_and(|word| is_among(&word.text, alternatives)),
        Later(alternatives) => after.iter().any(|word| is_among(&word.text, alternatives)),
        Small => !rest[0].capital,
        Question => rest.last().is_some_and(|word| word.end == Some('?')),
    });
    let starts = match passage.place {
        Place::Name | Place::Heading => false,
        // Reported as an opening.
        Place::Opening => start > 0 && begins(words, start),
        Place::Text | Place::Message | Place::Error => begins(words, start),
    };
    !excepted && (!pattern.start || starts)
}

/// Whether a sentence begins at this word.
fn begins(words: &[Word], start: usize) -> bool {
    start == 0 || words[start - 1].end.is_some()
}

/// The words up to the end of the sentence.
fn sentence(words: &[Word]) -> &[Word] {
    let end = words.iter().position(|word| word.end.is_some());
    &words[..end.map_or(words.len(), |end| end + 1)]
}

fn is_among(word: &str, alternatives: &str) -> bool {
    alternatives.split('|').any(|alternative| alternative == word)
}

/// Whether the text of an error begins as a sentence does.
fn is_sentence(words: &[Word]) -> bool {
    words[0].capital
}
