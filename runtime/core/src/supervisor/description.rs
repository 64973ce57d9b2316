//! The description of a whole supervision tree.

use std::fmt;

use super::plan::ChildState;
use super::{Restart, SupervisionRef, SupervisorInfo};
use crate::base::CallError;

/// A whole supervision tree as data. Its `Display` draws the tree.
///
/// Returned by [`TreeStub::describe`](super::TreeStub::describe).
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
    /// The supervisor at the top.
    pub supervisor: SupervisorInfo,
    /// The descriptions of the running children that are supervisors. Each has its index in
    /// [`SupervisorInfo::children`].
    pub below: Vec<(usize, Description)>,
}

impl Description {
    /// Calls the supervisor, then the supervisors below it. A supervisor that exits in the meantime is left out.
    pub(super) async fn of(supervisor: SupervisionRef) -> Result<Description, CallError> {
        let supervisor = supervisor.info().forever().await?;
        let mut below = Vec::new();
        for (index, child) in supervisor.children.iter().enumerate() {
            if let Some(nested) = child.supervisor.clone().filter(|_| child.state == ChildState::Up)
                && let Ok(description) = Box::pin(Description::of(nested)).await
            {
                below.push((index, description));
            }
        }
        Ok(Description { supervisor, below })
    }

    /// Returns the description of the child with this id, if that child is a running supervisor.
    pub fn child(&self, id: &str) -> Option<&Description> {
        let index = self.supervisor.children.iter().position(|child| child.id == id)?;
        self.child_at(index)
    }

    fn child_at(&self, index: usize) -> Option<&Description> {
        self.below.iter().find(|(at, _)| *at == index).map(|(_, description)| description)
    }

    fn draw(&self, f: &mut fmt::Formatter<'_>, margin: &str) -> fmt::Result {
        let children = &self.supervisor.children;
        for (index, child) in children.iter().enumerate() {
            let is_last = index + 1 == children.len();
            write!(f, "\n{margin}{}{}", if is_last { "└─ " } else { "├─ " }, child.id)?;
            if let Some(pid) = &child.pid {
                write!(f, " {pid}")?;
            }
            let below = self.child_at(index);
            match below {
                Some(description) => write!(f, " {}", description.supervisor)?,
                None => write!(f, " {}", restart_name(child.restart))?,
            }
            match child.state {
                ChildState::Up if child.starts > 1 => write!(f, ", {} starts", child.starts)?,
                ChildState::Up => {}
                ChildState::Down => f.write_str(", down")?,
                ChildState::Restarting => f.write_str(", restarting")?,
            }
            if let Some(description) = below {
                description.draw(f, &format!("{margin}{}", if is_last { "   " } else { "│  " }))?;
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

fn restart_name(restart: Restart) -> &'static str {
    match restart {
        Restart::Permanent => "permanent",
        Restart::Transient => "transient",
        Restart::Temporary => "temporary",
    }
}
