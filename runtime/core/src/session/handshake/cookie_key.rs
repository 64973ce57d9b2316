//! The key of a session's handshake, derived from the cookie.

use std::fmt;

use ring::hkdf::{HKDF_SHA256, Salt};

const COOKIE: &[u8] = b"greenroom cookie 1";

/// The key that is derived from a cluster's cookie. A session does not hold the cookie itself.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CookieKey(pub(in crate::session) [u8; 32]);

/// The keys of a node: one or two, so that a cluster's cookie can be replaced while its nodes run.
#[derive(Clone, Debug)]
pub(crate) struct CookieKeys {
    /// The key with which the node dials. It is accepted too.
    pub(crate) own: CookieKey,
    /// A second key that is accepted from nodes that dial this one.
    pub(crate) accepted: Option<CookieKey>,
}

impl CookieKey {
    /// Derives a key by HKDF-SHA256, with a salt that is greenroom's own. An attacker who records a handshake can test
    /// guesses of the cookie without limit, so a cookie needs at least 128 random bits.
    pub(crate) fn derive(cookie: &[u8]) -> CookieKey {
        CookieKey(hkdf(COOKIE, cookie))
    }
}

impl From<CookieKey> for CookieKeys {
    fn from(own: CookieKey) -> CookieKeys {
        CookieKeys { own, accepted: None }
    }
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieKey(..)")
    }
}

/// Returns 32 bytes by HKDF-SHA256 without info.
fn hkdf(salt: &[u8], secret: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    // An output of another length is the only error. With a wrong key no peer would be safe, so a panic is right.
    key.expand(&[], HKDF_SHA256).and_then(|output| output.fill(&mut out)).expect("the hash has 32 bytes");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, test case 3: no salt, no info.
    #[test]
    fn hkdf_gives_the_bytes_of_the_rfc() {
        let expected = [
            0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f, 0x80, 0x2a, 0x06, 0x3c, 0x5a, 0x31, 0xb8, 0xa1,
            0x1f, 0x5c, 0x5e, 0xe1, 0x87, 0x9e, 0xc3, 0x45, 0x4e, 0x5f, 0x3c, 0x73, 0x8d, 0x2d,
        ];
        assert_eq!(hkdf(&[], &[0x0b; 22]), expected);
    }

    #[test]
    fn a_key_depends_on_the_cookie_and_is_never_printed() {
        assert_eq!(CookieKey::derive(b"a"), CookieKey::derive(b"a"));
        assert_ne!(CookieKey::derive(b"a"), CookieKey::derive(b"b"));
        assert_eq!(format!("{:?}", CookieKey::derive(b"a")), "CookieKey(..)");
    }
}
