use std::fmt;
use std::path::PathBuf;

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingOrigin {
    /// The defaults.
    Default,
    /// A file; line and column count from 1.
    File {
        /// Its path, as it was given.
        path: PathBuf,
        /// The line; 0 for the file as a whole.
        line: usize,
        /// The column, in characters.
        column: usize,
    },
    /// The environment variable of this name.
    Variable(String),
    /// The program: [`Settings::set`](super::Settings::set).
    Program,
}

/// What is wrong with the settings: with which key, from which place. It never shows the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    pub(super) key: Option<String>,
    pub(super) place: Option<SettingOrigin>,
    pub(super) problem: String,
}

impl SettingsError {
    pub(super) fn new(key: &str, place: &SettingOrigin, problem: impl fmt::Display) -> SettingsError {
        let key = (!key.is_empty()).then(|| key.to_owned());
        SettingsError { key, place: Some(place.clone()), problem: problem.to_string() }
    }

    /// The key, as `database.path`, if it is about one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Where it stands; `None` for what is set nowhere.
    pub fn place(&self) -> Option<&SettingOrigin> {
        self.place.as_ref()
    }
}

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
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "`{key}`: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for SettingsError {}
