//! The proof that a node continues a paused connection.

use std::fmt;

/// A random number that a node draws when it pauses its connections. Only the peer of the connection receives it, and the
/// successor that continues the connection.
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Token(pub(crate) [u8; Token::SIZE]);

/// The tokens of one paused connection that a node has: its own one, and that of the peer. Two nodes that pause at the same
/// time have two, of which one may not have arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tokens {
    pub(crate) own: Option<Token>,
    pub(crate) peer: Option<Token>,
}

impl Token {
    pub(crate) const SIZE: usize = 16;
}

impl Tokens {
    pub(crate) const MOST: usize = 2;

    pub(crate) fn iter(self) -> impl Iterator<Item = Token> {
        [self.own, self.peer].into_iter().flatten()
    }

    /// Returns `true` if the two nodes have a token in common.
    pub(crate) fn has_common(self, other: Tokens) -> bool {
        self.iter().any(|token| other.iter().any(|theirs| theirs == token))
    }
}

/// Without the number, which is secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
