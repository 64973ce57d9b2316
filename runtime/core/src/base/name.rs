//! Node names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a node, such as `orders@berlin`: a name and a host.
///
/// A name is not an address: the `advertise` setting has the address at which other nodes reach the node. Cloning is
/// cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(try_from = "String"))]
pub struct NodeName(Arc<str>);

/// The error of a text that is not a valid node name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName(String);

impl NodeName {
    /// The longest valid name, in bytes. A peer sends its name before it is authenticated, so the length is bounded.
    pub const MAX: usize = 255;

    /// Parses `name@host`.
    ///
    /// # Errors
    /// [`InvalidName`] unless the text has exactly one `@` with at least one character on both sides, no white space,
    /// control character or invisible character, and at most [`MAX`](Self::MAX) bytes.
    pub fn new(name: impl AsRef<str>) -> Result<NodeName, InvalidName> {
        let name = name.as_ref();
        let valid = name.len() <= Self::MAX
            && name
                .split_once('@')
                .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
            && !name.chars().any(|c| c.is_whitespace() || c.is_control() || is_invisible(c));
        if valid { Ok(NodeName(name.into())) } else { Err(InvalidName(name.chars().take(80).collect())) }
    }

    /// Returns the name of a node that is not in a cluster. Erlang's name for such a node.
    pub(crate) fn local() -> NodeName {
        NodeName("nonode@nohost".into())
    }

    /// Returns a name that no node has.
    pub(crate) fn none() -> NodeName {
        NodeName("".into())
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns `true` for a character that changes the direction of text or is invisible: with it, two names look alike.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl AsRef<str> for NodeName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for NodeName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<NodeName, InvalidName> {
        NodeName::new(name)
    }
}

impl TryFrom<String> for NodeName {
    type Error = InvalidName;

    fn try_from(name: String) -> Result<NodeName, InvalidName> {
        NodeName::new(name)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for NodeName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> String {
        name.as_str().to_owned()
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid node name `{}`: expected `name@host` without white space, at most {} bytes",
            self.0.escape_debug(),
            NodeName::MAX
        )
    }
}

impl std::error::Error for InvalidName {}

#[cfg(test)]
mod tests {
    use super::NodeName;

    #[test]
    fn a_name_is_a_name_and_a_host() {
        for good in ["pong@gollum", "a@127.0.0.1:9100", "ü@x"] {
            assert_eq!(NodeName::new(good).unwrap().as_str(), good);
        }
        let long = format!("a@{}", "x".repeat(NodeName::MAX));
        for bad in ["", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "a\u{202e}@b", "a\u{200b}@b", &long] {
            assert!(NodeName::new(bad).is_err(), "{bad:?}");
        }
    }
}
