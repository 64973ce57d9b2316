//! Validated text from outside: a [`Text`] was checked when it was created.
//!
//! A text is 1 to `MAX` characters on one line, without control characters and without the invisible characters that
//! change the writing direction. It is checked where it enters, from a browser, a file or another node. Markup is not
//! checked: the page shows every text as plain text.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// One line of 1 to `MAX` characters. A clone is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text<const MAX: usize>(Arc<str>);

/// The reason for an invalid text. It completes a sentence: "your name", then "is empty".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvalidText {
    Empty,
    TooLong { max: usize },
    Control,
}

impl<const MAX: usize> Text<MAX> {
    /// Checks a text, and removes the white space around it.
    pub(crate) fn new(text: &str) -> Result<Text<MAX>, InvalidText> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidText::Empty);
        }
        if text.chars().nth(MAX).is_some() {
            return Err(InvalidText::TooLong { max: MAX });
        }
        if text.chars().any(|c| c.is_control() || is_direction_mark(c)) {
            return Err(InvalidText::Control);
        }
        Ok(Text(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Direction marks can make a name look like another one.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Text<MAX>, InvalidText> {
        Text::new(&text)
    }
}

// Written by hand: the derived implementation would copy the text first.
impl<const MAX: usize> Serialize for Text<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidText::Empty => f.write_str("is empty"),
            InvalidText::TooLong { max } => write!(f, "is longer than {max} characters"),
            InvalidText::Control => f.write_str("contains a control character"),
        }
    }
}

impl std::error::Error for InvalidText {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_of_bounded_length() {
        for (text, expected) in [
            ("ann", Ok("ann")),
            ("  ann\t", Ok("ann")),
            ("<i>", Ok("<i>")),
            ("čeština", Ok("čeština")),
            ("12345678", Ok("12345678")),
            ("123456789", Err(InvalidText::TooLong { max: 8 })),
            ("", Err(InvalidText::Empty)),
            ("   ", Err(InvalidText::Empty)),
            ("a\nb", Err(InvalidText::Control)),
            ("a\u{0}b", Err(InvalidText::Control)),
            ("a\u{202e}b", Err(InvalidText::Control)),
        ] {
            assert_eq!(
                Text::<8>::new(text).as_ref().map(Text::as_str).map_err(|invalid| *invalid),
                expected,
                "{text:?}"
            );
        }
        assert_eq!(Text::<4096>::new(&"x".repeat(64 * 1024)), Err(InvalidText::TooLong { max: 4096 }));
    }

    #[test]
    fn a_text_is_checked_when_it_is_read() {
        let good: Text<8> = serde_json::from_str(r#"" ann ""#).unwrap();
        assert_eq!(serde_json::to_string(&good).unwrap(), r#""ann""#);
        assert!(serde_json::from_str::<Text<8>>(r#""a\nb""#).is_err());
        assert!(serde_json::from_str::<Text<8>>(r#""""#).is_err());
    }
}
