use std::fmt;

use super::{ChildState, Restart, SupervisionRef, SupervisorInfo};
use crate::base::CallError;

/// A whole tree as data; printed, it is a drawing. From [`TreeStub::describe`](super::TreeStub::describe).
///
/// ```text
/// /ChatTree <local 3> rest_for_one, 3 restarts in 5s
/// ├─ log <local 4> permanent, 2 starts
/// ├─ rooms transient, restarting
/// └─ storage <local 6> one_for_one, 1 restart in 5s
///    └─ disk <local 7> permanent
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Description {
    /// The supervisor.
    pub supervisor: SupervisorInfo,
    /// For each of its children that is a supervisor and runs: its own description, by the child's place in
    /// [`SupervisorInfo::children`].
    pub below: Vec<(usize, Description)>,
}

impl Description {
    /// Asks a supervisor, then those below it. What ends or stops meanwhile is left out.
    pub(super) async fn of(supervisor: SupervisionRef) -> Result<Description, CallError> {
        let outline = supervisor.supervisor_info().forever().await?;
        let mut below = Vec::new();
        for (index, child) in outline.children.iter().enumerate() {
            if let Some(nested) = child.supervisor.clone().filter(|_| child.state == ChildState::Up)
                && let Ok(description) = Box::pin(Description::of(nested)).await
            {
                below.push((index, description));
            }
        }
        Ok(Description { supervisor: outline, below })
    }

    /// The description of a nested supervisor.
    pub fn child(&self, id: &str) -> Option<&Description> {
        let index = self.supervisor.children.iter().position(|child| child.id == id)?;
        self.below.iter().find(|(at, _)| *at == index).map(|(_, description)| description)
    }

    fn draw(&self, f: &mut fmt::Formatter<'_>, margin: &str) -> fmt::Result {
        let children = &self.supervisor.children;
        for (index, child) in children.iter().enumerate() {
            let last = index + 1 == children.len();
            write!(f, "\n{margin}{}{}", if last { "└─ " } else { "├─ " }, child.id)?;
            if let Some(pid) = &child.pid {
                write!(f, " {pid}")?;
            }
            let below = self.below.iter().find(|(at, _)| *at == index).map(|(_, description)| description);
            match below {
                Some(description) => write!(f, " {}", description.supervisor)?,
                None => write!(f, " {}", restart(child.restart))?,
            }
            match child.state {
                ChildState::Up if child.starts > 1 => write!(f, ", {} starts", child.starts)?,
                ChildState::Up => {}
                ChildState::Down => f.write_str(", down")?,
                ChildState::Restarting => f.write_str(", restarting")?,
            }
            if let Some(description) = below {
                description.draw(f, &format!("{margin}{}", if last { "   " } else { "│  " }))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SupervisorInfo { path, pid, .. } = &self.supervisor;
        write!(f, "{path} {pid} {}", self.supervisor)?;
        self.draw(f, "")
    }
}

fn restart(restart: Restart) -> &'static str {
    match restart {
        Restart::Permanent => "permanent",
        Restart::Transient => "transient",
        Restart::Temporary => "temporary",
    }
}
