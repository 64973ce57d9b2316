use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a node, as `pong@gollum`: what it is called, and where.
///
/// A name is not an address: how a node is reached says its `advertise` setting. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(try_from = "String"))]
pub struct NodeName(Arc<str>);

/// Why a text is no node name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName(String);

impl NodeName {
    /// The longest name that is accepted, in bytes: a peer states its name before it is trusted.
    pub const MAX: usize = 255;

    /// Reads `name@host`.
    ///
    /// # Errors
    /// [`InvalidName`] unless there is exactly one `@` with something on both sides, no white space or
    /// control character, and at most [`MAX`](Self::MAX) bytes.
    pub fn new(name: impl AsRef<str>) -> Result<NodeName, InvalidName> {
        let name = name.as_ref();
        let valid = name.len() <= Self::MAX
            && name
                .split_once('@')
                .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
            && !name.chars().any(|c| c.is_whitespace() || c.is_control());
        if valid { Ok(NodeName(name.into())) } else { Err(InvalidName(name.chars().take(80).collect())) }
    }

    /// The name of a node that nobody can reach.
    pub(crate) fn local() -> NodeName {
        NodeName("nonode@nohost".into())
    }

    /// The name that no node has.
    pub(crate) fn nobody() -> NodeName {
        NodeName("".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
        write!(f, "`{}` is no node name: expected name@host, as `pong@gollum`", self.0.escape_debug())
    }
}

impl std::error::Error for InvalidName {}

#[cfg(test)]
mod tests {
    use super::NodeName;

    #[test]
    fn a_name_is_something_at_somewhere() {
        for good in ["pong@gollum", "a@127.0.0.1:9100", "ü@x"] {
            assert_eq!(NodeName::new(good).unwrap().as_str(), good);
        }
        let long = format!("a@{}", "x".repeat(NodeName::MAX));
        for bad in ["", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\n", &long] {
            assert!(NodeName::new(bad).is_err(), "{bad:?}");
        }
    }
}
