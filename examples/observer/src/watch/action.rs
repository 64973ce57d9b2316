//! The actions on one process.

use std::fmt;

use greenroom::{Inspection, prelude::*};
use serde::{Deserialize, Serialize};

/// An action on a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Returns the state of a server. It changes nothing.
    State,
    /// Suspends a server.
    Suspend,
    /// Resumes a server.
    Resume,
    /// Sends the exit signal `shutdown`.
    Stop,
    /// Kills the process.
    Kill,
}

impl Action {
    /// Returns whether the action changes nothing.
    pub fn is_harmless(self) -> bool {
        self == Action::State
    }

    /// Carries the action out, and returns its result as a text.
    ///
    /// # Errors
    /// The reason why it was not carried out. The outer one is an error of the call, such as a right that is missing.
    pub async fn carry_out(self, there: &Inspection, pid: &Pid) -> Result<Result<String, String>, CallError> {
        let done = |result: Result<(), _>| result.map(|()| self.to_string()).map_err(|error| error_text(&error));
        let exit = |existed: bool| existed.then(|| self.to_string()).ok_or_else(|| "no such process".to_owned());
        Ok(match self {
            Action::State => there.state(pid).await?.map_err(|error| error_text(&error)),
            Action::Suspend => done(there.suspend(pid).await?),
            Action::Resume => done(there.resume(pid).await?),
            Action::Stop => exit(there.exit(pid, Exit::shutdown()).await?),
            Action::Kill => exit(there.exit(pid, Exit::kill()).await?),
        })
    }
}

fn error_text(error: &greenroom::SysError) -> String {
    error.to_string()
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::State => "shown",
            Action::Suspend => "suspended",
            Action::Resume => "resumed",
            Action::Stop => "stopped",
            Action::Kill => "killed",
        })
    }
}
