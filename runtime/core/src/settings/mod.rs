//! Layer 1: a program's settings, from several layers of configuration.
//!
//! Each layer is converted to a tree whose entries know their [`SettingOrigin`]. The trees are merged, and serde reads
//! the user's struct from the result. So an error can name the key and its origin. It never shows the value, which may be
//! a secret.
//!
//! Invariants:
//! - The value of an upper layer replaces that of a lower one, key by key.
//! - A key that the struct does not read is an error.
//! - The text of a variable is read as the type of the struct's field. Its form does not matter.

mod error;
mod read;
mod read_error;
mod sources;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;

use std::ffi::OsString;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::{SettingOrigin, SettingsError};
use tree::Entry;

/// The settings of a program, in layers. The upper layer wins, key by key.
///
/// | layer | method |
/// |---|---|
/// | values that the program sets, for instance from its command line | [`set`](Settings::set) |
/// | environment variables | [`environment`](Settings::environment) |
/// | [TOML](https://toml.io) files | [`file`](Settings::file), [`optional_file`](Settings::optional_file) |
/// | default values | [`defaults`](Settings::defaults) |
///
/// OTP's counterpart is the
/// [environment of an application](https://www.erlang.org/doc/system/applications.html#configuring-an-application).
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
///     .optional_file("chat.toml")
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
/// The order of the calls matters only within a layer: a later file or `set` wins over an earlier one. The defaults may
/// also be serde's, `#[serde(default)]`.
///
/// An error names the key and the origin of its value, but does not show the value. A type with a `Deserialize` of its own
/// writes its own errors.
///
/// ```text
/// chat.toml:3:9: `database.cache_mib`: expected u32, found a string
/// CHAT_DATABASE__CACHE in the environment: `database.cache`: unknown key; did you mean `cache_mib`?
/// ```
#[derive(Default)]
#[must_use = "settings are read only by `load`"]
pub struct Settings {
    /// By layer, see the constants below. The error of a layer is returned by `load`.
    layers: [Vec<Result<Entry, SettingsError>>; 4],
}

// The layers from bottom to top.
const DEFAULTS: usize = 0;
const FILES: usize = 1;
const VARIABLES: usize = 2;
const PROGRAM: usize = 3;

impl Settings {
    /// Creates settings without any layer.
    pub fn new() -> Settings {
        Settings::default()
    }

    /// Adds default values, usually the struct's own `Default`.
    pub fn defaults(mut self, defaults: &impl Serialize) -> Settings {
        self.layers[DEFAULTS].push(sources::value(defaults, "", &SettingOrigin::Default));
        self
    }

    /// Adds a TOML file. If it cannot be read, [`load`](Settings::load) fails.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.layers[FILES].push(sources::file(&path.into()));
        self
    }

    /// Adds a TOML file if it exists.
    pub fn optional_file(self, path: impl Into<PathBuf>) -> Settings {
        let path = path.into();
        if path.exists() { self.file(path) } else { self }
    }

    /// Adds the environment variables whose names begin with this prefix and an underscore. Empty ones are ignored.
    ///
    /// With the prefix `CHAT`, the variable `CHAT_DATABASE__PATH` is the key `database.path`. A list can be written with
    /// commas, `CHAT_SEEDS=a:1,b:2`. Every value can be written as inline TOML, `CHAT_DATABASE={path = "x"}`.
    ///
    /// A variable that matches no key is an error, so the prefix must not be shared with other programs. `GREENROOM` is
    /// the prefix of the node's own variables.
    pub fn environment(self, prefix: &str) -> Settings {
        self.variables(prefix, std::env::vars_os())
    }

    /// Adds the given variables as [`environment`](Settings::environment) adds those of the process, for instance in a
    /// test.
    pub fn variables(mut self, prefix: &str, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Settings {
        self.layers[VARIABLES].push(sources::variables(prefix, variables));
        self
    }

    /// Sets a key, such as `database.path`. The value wins over those of all other layers.
    pub fn set(mut self, key: &str, value: impl Serialize) -> Settings {
        self.layers[PROGRAM].push(sources::value(&value, key, &SettingOrigin::Program));
        self
    }

    /// Sets a key if `value` is `Some`, for instance from an optional argument of the command line.
    pub fn set_some(self, key: &str, value: Option<impl Serialize>) -> Settings {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    /// Merges all layers and reads `T` from the result.
    ///
    /// # Errors
    /// The first of these, with its key and origin:
    /// - a file that cannot be read or is not TOML
    /// - a value of a wrong type
    /// - a key that `T` does not have
    /// - a key that is not set and has no default
    pub fn load<T: DeserializeOwned>(self) -> Result<T, SettingsError> {
        let mut root = Entry::empty_table(SettingOrigin::Default);
        for layer in self.layers.into_iter().flatten() {
            root.merge(layer?);
        }
        read::read(&root)
    }
}
