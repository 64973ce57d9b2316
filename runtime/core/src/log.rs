//! Log events: those of `tracing`, or none without that feature.

use std::fmt::{self, Display, Write};

#[cfg(not(feature = "tracing"))]
pub(crate) use disabled as debug;
#[cfg(not(feature = "tracing"))]
pub(crate) use disabled as error;
#[cfg(not(feature = "tracing"))]
pub(crate) use disabled as info;
#[cfg(not(feature = "tracing"))]
pub(crate) use disabled as warn;
#[cfg(feature = "tracing")]
pub(crate) use tracing::{debug, error, info, warn};

/// Prints a report to standard error in one piece, [escaped](Escaped): for crashes of a program without a subscriber.
pub(crate) fn print(report: fmt::Arguments<'_>) {
    let line = format!("greenroom: {}\n", Escaped(report));
    eprint!("{line}");
}

/// A text for a log event or a report that can contain text of a message or of another node, such as an exit reason.
///
/// The text cannot be mistaken for other lines of the log, and cannot change the display of a terminal:
///
/// | in the text | is displayed as |
/// |---|---|
/// | a line break | a line break and four spaces, so that a report of several lines stays readable |
/// | another control character except a tab, or a character that changes the direction or is invisible | `\u{..}` |
/// | any other character | itself |
pub(crate) struct Escaped<T>(pub(crate) T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaper(f), "{}", self.0)
    }
}

impl<T: Display> fmt::Debug for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

struct Escaper<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaper<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, special)) = rest.char_indices().find(|(_, c)| is_special(*c)) {
            self.0.write_str(&rest[..at])?;
            match special {
                '\n' => self.0.write_str("\n    ")?,
                special => write!(self.0, "{}", special.escape_unicode())?,
            }
            rest = &rest[at + special.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// Returns `true` for a character that begins a line, controls a terminal, changes the direction of text, or is invisible.
fn is_special(c: char) -> bool {
    let is_invisible = matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    c != '\t' && (c.is_control() || is_invisible)
}

/// Returns whether the program has a subscriber for log events. Without one, a crash is [printed](print).
#[cfg(feature = "tracing")]
pub(crate) fn has_subscriber() -> bool {
    tracing::dispatcher::has_been_set()
}

/// Returns whether the program has a subscriber for log events: never without `tracing`.
#[cfg(not(feature = "tracing"))]
pub(crate) const fn has_subscriber() -> bool {
    false
}

#[cfg(not(feature = "tracing"))]
macro_rules! disabled {
    ($($event:tt)*) => {
        ()
    };
}
#[cfg(not(feature = "tracing"))]
pub(crate) use disabled;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, displayed: &str) {
        assert_eq!(Escaped(text).to_string(), displayed);
    }

    #[test]
    fn ordinary_text_is_displayed_as_it_is() {
        for text in [
            "",
            "disk full",
            "Überlauf: 3 > 2\tµs",
            "注文が見つかりません",
            "нет связи",
            "e\u{301}",
            "👩\u{200d}🚒",
            "C:\\orders",
            "\u{fffd}",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_report_of_several_lines_is_indented_from_the_second_line_on() {
        let report = "assertion failed\n  left: 1\n right: 2";
        check(report, "assertion failed\n      left: 1\n     right: 2");
        check(
            "disk full\ngreenroom: Billing <a@test 7> ended: normal",
            "disk full\n    greenroom: Billing <a@test 7> ended: normal",
        );
    }

    #[test]
    fn characters_that_control_a_terminal_are_escaped() {
        check(
            "\r\x1b[2Kall is well\x1b[0m\x08\0\x7f\u{9b}2J",
            r"\u{d}\u{1b}[2Kall is well\u{1b}[0m\u{8}\u{0}\u{7f}\u{9b}2J",
        );
        check("a\u{85}b\u{2028}c\u{2029}d\u{b}e\u{c}f", r"a\u{85}b\u{2028}c\u{2029}d\u{b}e\u{c}f");
        check(
            "\u{202e}lanigiro\u{202c} \u{2066}\u{200f}\u{feff}",
            r"\u{202e}lanigiro\u{202c} \u{2066}\u{200f}\u{feff}",
        );
    }
}
