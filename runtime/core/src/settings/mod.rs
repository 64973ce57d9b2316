//! Floor 0: a program's settings, in layers.
//!
//! Each layer becomes a tree whose leaves know their [`SettingOrigin`]; the trees are laid over each other, and the user's own
//! struct is read from the result by serde. So whatever is wrong with a value is told with its key and with the place
//! that it comes from, and never with the value itself, which may be a secret.
//!
//! Invariants: a layer above wins, leaf by leaf · every key is read by the struct, or is an error · a variable's text is
//! read as the type that the struct asks for, not as what it looks like.

mod error;
mod layer;
mod read;
#[cfg(test)]
mod tests;
mod tree;

use std::ffi::OsString;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::{SettingOrigin, SettingsError};
use tree::Entry;

/// What a program is told before it runs: defaults, over them files of [TOML](https://toml.io), over them environment
/// variables, over them what the program sets itself, from its command line, say.
///
/// ```
/// use greenroom::Settings;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Chat {
///     port: u16,
///     database: Database,
/// }
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Database {
///     path: String,
///     cache_mib: u32,
/// }
///
/// let defaults = Chat { port: 8080, database: Database { path: "chat.redb".into(), cache_mib: 64 } };
/// # let variables = [("CHAT_DATABASE__CACHE_MIB".into(), "128".into())];
/// let chat: Chat = Settings::new()
///     .defaults(&defaults)
///     .file_if_there("chat.toml")
/// #   .variables("CHAT", variables) /*
///     .environment("CHAT") // CHAT_DATABASE__CACHE_MIB=128
/// #   */
///     .set("port", 81)
///     .load()?;
/// let database = Database { path: "chat.redb".into(), cache_mib: 128 };
/// assert_eq!(chat, Chat { port: 81, database });
/// # Ok::<(), greenroom::SettingsError>(())
/// ```
///
/// In which order the methods are called says nothing, except that a later file is laid over an earlier one, and a
/// later `set` over an earlier one. The defaults may also be serde's, `#[serde(default)]`.
///
/// An error says what is wrong with which key, and where:
///
/// ```text
/// chat.toml:3:9: `database.cache_mib`: expected u32, found a string
/// CHAT_DATABASE__CACHE in the environment: `database.cache`: no such key; did you mean `cache_mib`?
/// ```
///
/// What is wrong is told without the value. A type with a `Deserialize` of its own writes its own errors.
#[derive(Default)]
#[must_use = "settings are read when they are loaded"]
pub struct Settings {
    /// By rank, as below; a layer that cannot be had is an error only when all are loaded.
    layers: [Vec<Result<Entry, SettingsError>>; 4],
}

/// The layers from below.
const DEFAULTS: usize = 0;
const FILES: usize = 1;
const VARIABLES: usize = 2;
const PROGRAM: usize = 3;

impl Settings {
    /// No layer yet.
    pub fn new() -> Settings {
        Settings::default()
    }

    /// What holds where nothing else is said: most often the struct's own `Default`.
    pub fn defaults(mut self, defaults: &impl Serialize) -> Settings {
        self.layers[DEFAULTS].push(layer::value(defaults, "", &SettingOrigin::Default));
        self
    }

    /// A file of TOML, which has to be there.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.layers[FILES].push(layer::file(&path.into()));
        self
    }

    /// A file of TOML that need not be there.
    pub fn file_if_there(self, path: impl Into<PathBuf>) -> Settings {
        let path = path.into();
        if path.exists() { self.file(path) } else { self }
    }

    /// The environment variables that begin with this prefix: with `CHAT`, the variable `CHAT_DATABASE__PATH` is the
    /// key `database.path`. An empty one counts as none.
    ///
    /// A list may be written with commas, `CHAT_SEEDS=a:1,b:2`, and anything as TOML has it in a line:
    /// `CHAT_DATABASE={path = "x"}`. A variable of this prefix that is no key is an error, so take a prefix that
    /// nobody else uses; `GREENROOM` is the node's.
    pub fn environment(self, prefix: &str) -> Settings {
        self.variables(prefix, std::env::vars_os())
    }

    /// The same with variables from elsewhere, a test for instance.
    pub fn variables(mut self, prefix: &str, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Settings {
        self.layers[VARIABLES].push(layer::variables(prefix, variables));
        self
    }

    /// Sets one key, as `database.path`, whatever the layers below say.
    pub fn set(mut self, key: &str, value: impl Serialize) -> Settings {
        self.layers[PROGRAM].push(layer::value(&value, key, &SettingOrigin::Program));
        self
    }

    /// The same for what may not have been given, such as an option of the command line.
    pub fn set_some(self, key: &str, value: Option<impl Serialize>) -> Settings {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    /// Reads them.
    ///
    /// # Errors
    /// A file that cannot be read or is no TOML, a value that is not of its key's type, a key that there is none of, a
    /// key that is set nowhere: the first of them, with its place.
    pub fn load<T: DeserializeOwned>(self) -> Result<T, SettingsError> {
        let mut whole = Entry::table(SettingOrigin::Default);
        for layer in self.layers.into_iter().flatten() {
            whole.lay(layer?);
        }
        read::read(&whole)
    }
}
