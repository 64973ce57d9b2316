use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};

use crate::session::CookieKey;

/// The secret that the nodes of a cluster share: 32 random bytes, written as base64.
///
/// Whoever has it is a member. It is never sent: it keys the handshake of every connection. It has no `Display`
/// and shows nothing in `Debug`, so that it does not end up in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie([u8; 32]);

/// Why there is no cookie.
#[derive(Debug)]
#[non_exhaustive]
pub enum CookieError {
    /// The text is not 32 bytes in base64. Where it came from, not what it was.
    Malformed(String),
    /// The file cannot be read or made.
    File(PathBuf, io::Error),
    /// There is neither `GREENROOM_COOKIE` nor a home directory to keep one in.
    Homeless,
    /// The operating system gives no random bytes.
    Random,
}

impl Cookie {
    /// The environment variable that a cookie is taken from.
    pub const VARIABLE: &str = "GREENROOM_COOKIE";

    /// A new one, from the operating system's random bytes.
    ///
    /// # Errors
    /// [`CookieError::Random`].
    pub fn random() -> Result<Cookie, CookieError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| CookieError::Random)?;
        Ok(Cookie(bytes))
    }

    /// The cookie in `GREENROOM_COOKIE`; without it the one in `.greenroom/cookie` in the home directory, which is
    /// made on first use, readable by its owner only.
    ///
    /// # Errors
    /// The text is no cookie, or the file cannot be read or made.
    pub fn load() -> Result<Cookie, CookieError> {
        if let Ok(text) = std::env::var(Cookie::VARIABLE) {
            return parse(&text).ok_or_else(|| CookieError::Malformed(Cookie::VARIABLE.to_owned()));
        }
        let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"));
        Cookie::load_from(Path::new(&home.ok_or(CookieError::Homeless)?).join(".greenroom").join("cookie"))
    }

    /// The cookie in a file, which is made on first use, readable by its owner only.
    ///
    /// # Errors
    /// The text is no cookie, or the file cannot be read or made.
    pub fn load_from(path: impl AsRef<Path>) -> Result<Cookie, CookieError> {
        let path = path.as_ref();
        let failed = |error| CookieError::File(path.to_owned(), error);
        match std::fs::read_to_string(path) {
            Ok(text) => parse(&text).ok_or_else(|| CookieError::Malformed(path.display().to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let cookie = Cookie::random()?;
                match write_new(path, &cookie) {
                    Ok(()) => Ok(cookie),
                    // Another program was faster: its cookie counts.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        let text = std::fs::read_to_string(path).map_err(failed)?;
                        parse(&text).ok_or_else(|| CookieError::Malformed(path.display().to_string()))
                    }
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The cookie as text, to be handed to another program.
    pub fn expose(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    pub(crate) fn key(&self) -> CookieKey {
        CookieKey::derive(&self.0)
    }
}

fn parse(text: &str) -> Option<Cookie> {
    let bytes = BASE64_STANDARD.decode(text.trim()).ok()?;
    bytes.try_into().ok().map(Cookie)
}

/// Writes beside and links into place, so that nobody ever reads half a cookie.
fn write_new(path: &Path, cookie: &Cookie) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let written = file.write_all(cookie.expose().as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&beside, path));
    let removed = std::fs::remove_file(&beside);
    linked.and(removed)
}

impl FromStr for Cookie {
    type Err = CookieError;

    fn from_str(text: &str) -> Result<Cookie, CookieError> {
        parse(text).ok_or_else(|| CookieError::Malformed("the text".to_owned()))
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookie(..)")
    }
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CookieError::Malformed(place) => write!(f, "{place} is no cookie: expected 32 bytes in base64"),
            CookieError::File(path, error) => write!(f, "cannot use the cookie file {}: {error}", path.display()),
            CookieError::Homeless => {
                write!(f, "no cookie: set {}, or HOME for one to be kept there", Cookie::VARIABLE)
            }
            CookieError::Random => f.write_str("the operating system gives no random bytes"),
        }
    }
}

impl std::error::Error for CookieError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_32_bytes_and_nothing_else() {
        let cookie = Cookie::random().unwrap();
        assert_eq!(cookie.expose().parse::<Cookie>().unwrap(), cookie);
        assert_eq!(format!("{cookie:?}"), "Cookie(..)");
        for bad in ["", "secret", "c2VjcmV0", &cookie.expose()[1..]] {
            assert!(bad.parse::<Cookie>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cookie_file_is_made_once_and_for_its_owner_only() {
        let directory = std::env::temp_dir().join(format!("greenroom-cookie-{}", std::process::id()));
        let path = directory.join("deep").join("cookie");
        let made = Cookie::load_from(&path).unwrap();
        assert_eq!(Cookie::load_from(&path).unwrap(), made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "half").unwrap();
        assert!(matches!(Cookie::load_from(&path), Err(CookieError::Malformed(_))));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
