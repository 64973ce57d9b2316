//! The secret of a cluster, and the file that keeps it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};

use crate::session::CookieKey;

/// The secret that the nodes of a cluster share: 32 random bytes, written as base64.
///
/// A program that has the cookie is a member of the cluster. The cookie is never sent: it keys the handshake of every
/// connection. It has no `Display` and prints nothing in `Debug`, which keeps it out of logs.
///
/// [`Cookie::load`] creates one on first use. By hand, for several machines:
///
/// ```sh
/// mkdir -p ~/.greenroom && (umask 077 && head -c 32 /dev/urandom | base64 > ~/.greenroom/cookie)
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie([u8; 32]);

/// Why a cookie could not be loaded or made.
#[derive(Debug)]
#[non_exhaustive]
pub enum CookieError {
    /// The text is not 32 bytes in base64, or all of them are zero. Holds the place that the text came from, never the
    /// text.
    Malformed(String),
    /// The file cannot be read or made.
    File(PathBuf, io::Error),
    /// Other users of the machine may read or replace the file. Holds its permission bits.
    Exposed(PathBuf, u32),
    /// Neither `GREENROOM_COOKIE` nor a home directory is set.
    NoHome,
    /// The operating system returned no random bytes.
    Random(io::Error),
}

impl Cookie {
    /// The environment variable that a cookie is taken from.
    pub const VARIABLE: &str = "GREENROOM_COOKIE";
    /// The environment variable with the second cookie of a node that the environment defines.
    const ACCEPT_VARIABLE: &str = "GREENROOM_ACCEPT_COOKIE";
    /// The shell command that creates the file of [`load`](Cookie::load) by hand.
    pub(in crate::cluster) const CREATE: &str =
        "mkdir -p ~/.greenroom && (umask 077 && head -c 32 /dev/urandom | base64 > ~/.greenroom/cookie)";

    /// Makes a new cookie from the operating system's random bytes.
    ///
    /// # Errors
    /// [`CookieError::Random`].
    pub fn random() -> Result<Cookie, CookieError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| CookieError::Random(error.into()))?;
        Ok(Cookie(bytes))
    }

    /// Returns the cookie in `GREENROOM_COOKIE`; without the variable, the one in `.greenroom/cookie` in the home
    /// directory, as [`load_from`](Cookie::load_from).
    ///
    /// # Errors
    /// The text is not a cookie, the file cannot be read or made, or other users may read it.
    pub fn load() -> Result<Cookie, CookieError> {
        if let Some(text) = std::env::var_os(Cookie::VARIABLE) {
            return parse(&text.to_string_lossy(), || Cookie::VARIABLE.to_owned());
        }
        let folder = |variable| std::env::var_os(variable).filter(|folder| !folder.is_empty());
        let home = folder("HOME").or_else(|| folder("USERPROFILE"));
        Cookie::load_from(Path::new(&home.ok_or(CookieError::NoHome)?).join(".greenroom").join("cookie"))
    }

    /// Returns `true` if one of the variables for cookies is set and not empty.
    #[cfg(feature = "tls")]
    pub(super) fn is_in_environment() -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|text| !text.is_empty());
        [Cookie::VARIABLE, Cookie::ACCEPT_VARIABLE].into_iter().any(is_set)
    }

    /// Returns the cookie in `GREENROOM_ACCEPT_COOKIE`, if the variable is set and not empty.
    pub(super) fn load_accepted() -> Result<Option<Cookie>, CookieError> {
        let text = std::env::var(Cookie::ACCEPT_VARIABLE).ok().filter(|text| !text.is_empty());
        text.map(|text| parse(&text, || Cookie::ACCEPT_VARIABLE.to_owned())).transpose()
    }

    /// Returns the cookie in a file, and makes the file on first use, readable by its owner only.
    ///
    /// Several programs may start at once: all of them get the same cookie. A lock on the file beside it whose name ends in
    /// `.lock` decides which of them makes it; on a file system without locks, a hard link does. As with Erlang's
    /// [`.erlang.cookie`](https://www.erlang.org/doc/system/distributed.html#security), a file that other users may
    /// read or write is refused.
    ///
    /// # Errors
    /// The text is not a cookie, the file cannot be read or made, or other users may read or write it.
    pub fn load_from(path: impl AsRef<Path>) -> Result<Cookie, CookieError> {
        let path = path.as_ref();
        let failed = |error| CookieError::File(path.to_owned(), error);
        if let Some(cookie) = read(path)? {
            return Ok(cookie);
        }
        let lock = lock_beside(path).map_err(failed)?;
        // Another program may have made it since.
        let cookie = match read(path)? {
            Some(cookie) => cookie,
            None => {
                let cookie = Cookie::random()?;
                write_new(path, &cookie, lock.is_some()).map_err(failed)?;
                // A file system without permissions gives the file some that are too wide.
                read(path)?.unwrap_or(cookie)
            }
        };
        drop(lock);
        Ok(cookie)
    }

    /// Returns the cookie as text, to be handed to another program.
    pub fn expose(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    pub(crate) fn key(&self) -> CookieKey {
        CookieKey::derive(&self.0)
    }
}

fn parse(text: &str, origin: impl FnOnce() -> String) -> Result<Cookie, CookieError> {
    let bytes: Option<[u8; 32]> = BASE64_STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    match bytes {
        // Zeros come from a buffer or a file that was never filled, not from a random source.
        Some(bytes) if bytes != [0; 32] => Ok(Cookie(bytes)),
        _ => Err(CookieError::Malformed(origin())),
    }
}

/// The cookie in a file, or `None` if there is no file.
fn read(path: &Path) -> Result<Option<Cookie>, CookieError> {
    let failed = |error| CookieError::File(path.to_owned(), error);
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).map_err(failed)?.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(CookieError::Exposed(path.to_owned(), mode));
        }
    }
    parse(&text, || path.display().to_string()).map(Some)
}

/// Waits for the right to make the file. It ends when the returned file is dropped, and with the program: nothing stale
/// remains after a crash. Returns `None` on a file system without locks.
fn lock_beside(path: &Path) -> io::Result<Option<File>> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
    }
    let file = private(OpenOptions::new().write(true).create(true)).open(beside(path, ".lock"))?;
    Ok(file.lock().is_ok().then_some(file))
}

/// Returns the path of a file in the same folder, whose name is that of `path` with `suffix` after it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Writes a file beside `path` and gives it that name, so that no program reads half a cookie. Without the lock, another
/// program may have done so first: its file stays.
fn write_new(path: &Path, cookie: &Cookie, is_locked: bool) -> io::Result<()> {
    let new = if is_locked { beside(path, ".new") } else { beside(path, &format!(".new-{:016x}", random_number()?)) };
    match fs::remove_file(&new) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&new)?;
    file.write_all(cookie.expose().as_bytes())?;
    file.sync_all()?;
    if is_locked {
        return fs::rename(&new, path);
    }
    match fs::hard_link(&new, path) {
        Ok(()) => fs::remove_file(&new),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(&new),
        // Neither locks nor hard links: of programs that start at the same moment, the last one's cookie stays.
        Err(_) => fs::rename(&new, path),
    }
}

fn random_number() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Gives a file that is made by these options to its owner alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

impl FromStr for Cookie {
    type Err = CookieError;

    fn from_str(text: &str) -> Result<Cookie, CookieError> {
        parse(text, || "the text".to_owned())
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
            CookieError::Malformed(origin) => write!(
                f,
                "{origin} is not a cookie: expected 32 random bytes in base64, as `head -c 32 /dev/urandom | base64` prints"
            ),
            CookieError::File(path, _) => write!(
                f,
                "cannot read or create the cookie file {} (check its permissions, or set {})",
                path.display(),
                Cookie::VARIABLE
            ),
            CookieError::Exposed(path, mode) => write!(
                f,
                "the cookie file {path} has mode {mode:04o}: other users may read or write it; run `chmod 600 {path}`",
                path = path.display()
            ),
            CookieError::NoHome => {
                write!(
                    f,
                    "no cookie: set {variable}, as by `export {variable}=$(head -c 32 /dev/urandom | base64)`, or HOME for \
                     a file to keep it in",
                    variable = Cookie::VARIABLE
                )
            }
            CookieError::Random(_) => f.write_str("the operating system returned no random bytes"),
        }
    }
}

impl std::error::Error for CookieError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CookieError::File(_, error) | CookieError::Random(error) => Some(error),
            CookieError::Malformed(_) | CookieError::Exposed(..) | CookieError::NoHome => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_32_random_bytes() {
        let cookie = Cookie::random().unwrap();
        assert_eq!(cookie.expose().parse::<Cookie>().unwrap(), cookie);
        assert_eq!(format!("{cookie:?}"), "Cookie(..)");
        let zeros = BASE64_STANDARD.encode([0; 32]);
        for bad in ["", "secret", "c2VjcmV0", &cookie.expose()[1..], &zeros] {
            assert!(bad.parse::<Cookie>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn without_a_lock_the_file_that_is_made_first_stays() {
        let folder = std::env::temp_dir().join(format!("greenroom-cookie-unlocked-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("cookie");
        let (first, second) = (Cookie::random().unwrap(), Cookie::random().unwrap());
        write_new(&path, &first, false).unwrap();
        write_new(&path, &second, false).unwrap();
        let (kept, files) = (read(&path).unwrap(), fs::read_dir(&folder).unwrap().count());
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((kept, files), (Some(first), 1));
    }
}
