//! The error of loading settings, with its origin.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The origin of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingOrigin {
    /// The default values.
    Default,
    /// A file. Lines and columns count from 1.
    File {
        /// The path as it was given.
        path: PathBuf,
        /// The line, or 0 for the file as a whole.
        line: usize,
        /// The column in characters.
        column: usize,
    },
    /// The environment variable of this name.
    Variable(String),
    /// The program: [`Settings::set`](super::Settings::set).
    Program,
}

/// An error in the settings, with its key and its origin. It never contains the value, which may be a secret.
#[derive(Clone, Debug)]
pub struct SettingsError {
    pub(super) key: Option<String>,
    pub(super) origin: Option<SettingOrigin>,
    pub(super) problem: String,
    pub(super) source: Option<Arc<io::Error>>,
}

impl SettingsError {
    pub(super) fn new(key: &str, origin: &SettingOrigin, problem: impl fmt::Display) -> SettingsError {
        let key = (!key.is_empty()).then(|| key.to_owned());
        SettingsError { key, origin: Some(origin.clone()), problem: problem.to_string(), source: None }
    }

    /// Returns the key, such as `database.path`, if the error is about one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the origin of the setting, or `None` if the key is not set.
    pub fn origin(&self) -> Option<&SettingOrigin> {
        self.origin.as_ref()
    }
}

/// Compares all but the source, which has no equality.
impl PartialEq for SettingsError {
    fn eq(&self, other: &SettingsError) -> bool {
        (&self.key, &self.origin, &self.problem) == (&other.key, &other.origin, &other.problem)
    }
}

impl Eq for SettingsError {}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingOrigin::Default => f.write_str("the defaults"),
            SettingOrigin::File { path, line: 0, .. } => write!(f, "{}", path.display()),
            SettingOrigin::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            SettingOrigin::Variable(name) => write!(f, "{name} in the environment"),
            SettingOrigin::Program => f.write_str("set by the program"),
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "`{key}`: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl Error for SettingsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|error| &**error as &(dyn Error + 'static))
    }
}
