//! Text from outside, made safe once: whoever holds a [`Text`] need not check it again.
//!
//! A text is 1 to `MAX` characters on one line, without control characters and without the invisible ones that
//! turn the writing direction. It is checked where it enters, from a browser, a file or another node, and cannot
//! be made otherwise. Markup is no concern here: the page shows every text as text.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// One line of 1 to `MAX` characters. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text<const MAX: usize>(Arc<str>);

/// Why a text is refused. Reads on from what it is: "your name", then "is empty".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Empty,
    TooLong { max: usize },
    Control,
}

impl<const MAX: usize> Text<MAX> {
    /// Takes a text in, without the white space around it.
    pub(crate) fn new(text: &str) -> Result<Text<MAX>, Unfit> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Unfit::Empty);
        }
        if text.chars().nth(MAX).is_some() {
            return Err(Unfit::TooLong { max: MAX });
        }
        if text.chars().any(|c| c.is_control() || turns_direction(c)) {
            return Err(Unfit::Control);
        }
        Ok(Text(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// With these a name can be made to look like another one.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Text<MAX>, Unfit> {
        Text::new(&text)
    }
}

// By hand: the derive would copy the text first.
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

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Empty => f.write_str("is empty"),
            Unfit::TooLong { max } => write!(f, "is longer than {max} characters"),
            Unfit::Control => f.write_str("has a character in it that cannot be shown"),
        }
    }
}

impl std::error::Error for Unfit {}

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
            ("123456789", Err(Unfit::TooLong { max: 8 })),
            ("", Err(Unfit::Empty)),
            ("   ", Err(Unfit::Empty)),
            ("a\nb", Err(Unfit::Control)),
            ("a\u{0}b", Err(Unfit::Control)),
            ("a\u{202e}b", Err(Unfit::Control)),
        ] {
            assert_eq!(Text::<8>::new(text).as_ref().map(Text::as_str).map_err(|unfit| *unfit), expected, "{text:?}");
        }
        assert_eq!(Text::<4096>::new(&"x".repeat(64 * 1024)), Err(Unfit::TooLong { max: 4096 }));
    }

    #[test]
    fn a_text_is_checked_when_it_is_read() {
        let good: Text<8> = serde_json::from_str(r#"" ann ""#).unwrap();
        assert_eq!(serde_json::to_string(&good).unwrap(), r#""ann""#);
        assert!(serde_json::from_str::<Text<8>>(r#""a\nb""#).is_err());
        assert!(serde_json::from_str::<Text<8>>(r#""""#).is_err());
    }
}
