//! The description of a whole supervision tree.

use std::fmt;

use super::plan::ChildState;
use super::{Restart, SupervisionRef, SupervisorInfo};
use crate::base::{CallError, CallErrorKind};

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
///
/// With serde it is a list of all supervisors, the top one first. Each is a tuple: the position of its parent in the list,
/// its index among the parent's children, and the [`SupervisorInfo`]. So a tree of any depth can be written and read.
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
        let mut descent = Descent::from(supervisor);
        while let Some((place, supervisor)) = descent.next() {
            match supervisor.info().forever().await {
                Ok(info) => descent.add(place, info),
                Err(error) if descent.described.is_empty() || matches!(error.kind, CallErrorKind::Cycle { .. }) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        descent.finish().ok_or_else(|| CallErrorKind::NoProc.into())
    }

    /// Returns all supervisors, each before those below it.
    fn supervisors(&self) -> Vec<Place<&SupervisorInfo>> {
        let mut supervisors = Vec::new();
        let mut pending = vec![(0, 0, self)];
        while let Some((parent, index, description)) = pending.pop() {
            supervisors.push((parent, index, &description.supervisor));
            let at = supervisors.len() - 1;
            pending.extend(description.below.iter().rev().map(|(index, below)| (at, *index, below)));
        }
        supervisors
    }

    /// Makes a description of supervisors, of which the first is at the top and each comes after its parent.
    fn assemble(mut supervisors: Vec<Place<SupervisorInfo>>) -> Option<Description> {
        let mut below: Vec<Vec<(usize, Description)>> = supervisors.iter().map(|_| Vec::new()).collect();
        // From the last to the first, so that each is complete before its parent takes it.
        while let Some((parent, index, supervisor)) = supervisors.pop() {
            let mut below_this = below.pop().unwrap_or_default();
            below_this.sort_by_key(|(index, _)| *index);
            let description = Description { supervisor, below: below_this };
            match below.get_mut(parent) {
                Some(siblings) => siblings.push((index, description)),
                None => return Some(description),
            }
        }
        None
    }

    /// Returns the description of the child with this id, if that child is a running supervisor.
    pub fn child(&self, id: &str) -> Option<&Description> {
        let index = self.supervisor.children.iter().position(|child| child.id == id)?;
        self.child_at(index)
    }

    fn child_at(&self, index: usize) -> Option<&Description> {
        self.below.iter().find(|(at, _)| *at == index).map(|(_, description)| description)
    }

    fn draw_child(&self, index: usize, margin: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children = &self.supervisor.children;
        let child = &children[index];
        let is_last = index + 1 == children.len();
        write!(f, "\n{margin}{}{}", if is_last { "└─ " } else { "├─ " }, child.id)?;
        if let Some(pid) = &child.pid {
            write!(f, " {pid}")?;
        }
        match self.child_at(index) {
            Some(description) => write!(f, " {}", description.supervisor)?,
            None => write!(f, " {}", restart_name(child.restart))?,
        }
        match child.state {
            ChildState::Up if child.starts > 1 => write!(f, ", {} starts", child.starts),
            ChildState::Up => Ok(()),
            ChildState::Down => f.write_str(", down"),
            ChildState::Restarting => f.write_str(", restarting"),
        }
    }
}

/// A description that is made from the top to the bottom. Without recursion, since a tree can be deeper than the stack.
pub(crate) struct Descent {
    described: Vec<Place<SupervisorInfo>>,
    pending: Vec<Place<SupervisionRef>>,
}

impl From<SupervisionRef> for Descent {
    fn from(top: SupervisionRef) -> Descent {
        Descent { described: Vec::new(), pending: vec![(0, 0, top)] }
    }
}

impl Descent {
    /// Returns the next supervisor that is to be described, and its place.
    pub(crate) fn next(&mut self) -> Option<((usize, usize), SupervisionRef)> {
        self.pending.pop().map(|(parent, index, supervisor)| ((parent, index), supervisor))
    }

    /// Adds the description of the supervisor with this place.
    pub(crate) fn add(&mut self, (parent, index): (usize, usize), info: SupervisorInfo) {
        let at = self.described.len();
        for (index, child) in info.children.iter().enumerate() {
            if let Some(nested) = child.supervisor.clone().filter(|_| child.state == ChildState::Up) {
                self.pending.push((at, index, nested));
            }
        }
        self.described.push((parent, index, info));
    }

    /// Returns the whole description; `None` if the top has none.
    pub(crate) fn finish(self) -> Option<Description> {
        Description::assemble(self.described)
    }
}

/// A supervisor of a description: the position of its parent in the same list, and its index among the parent's children.
type Place<T> = (usize, usize, T);

// The implementations below are without recursion, since a tree can be deeper than the stack.

#[cfg(feature = "serde")]
impl serde::Serialize for Description {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.supervisors())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Description {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Description, D::Error> {
        let supervisors = Vec::<Place<SupervisorInfo>>::deserialize(deserializer)?;
        let is_below = |(at, (parent, index, _)): (usize, &Place<SupervisorInfo>)| {
            let parent = supervisors[..at].get(*parent);
            at == 0 || parent.is_some_and(|(.., parent)| *index < parent.children.len())
        };
        if !supervisors.iter().enumerate().all(is_below) {
            return Err(serde::de::Error::custom("a supervisor of a description comes before its parent"));
        }
        Description::assemble(supervisors).ok_or_else(|| serde::de::Error::custom("a description without a supervisor"))
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        let mut pending = std::mem::take(&mut self.below);
        while let Some((_, mut description)) = pending.pop() {
            pending.append(&mut description.below);
        }
    }
}

impl Clone for Description {
    fn clone(&self) -> Description {
        let supervisors = self.supervisors();
        let cloned = supervisors.into_iter().map(|(parent, index, supervisor)| (parent, index, supervisor.clone()));
        let copy = Description::assemble(cloned.collect());
        copy.unwrap_or_else(|| Description { supervisor: self.supervisor.clone(), below: Vec::new() })
    }
}

impl PartialEq for Description {
    fn eq(&self, other: &Description) -> bool {
        self.supervisors() == other.supervisors()
    }
}

impl Eq for Description {}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.supervisors()).finish()
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SupervisorInfo { path, pid, .. } = &self.supervisor;
        write!(f, "{path} {pid} {}", self.supervisor)?;
        // The supervisors that are being drawn, the innermost last, each with the index of its next child.
        let mut open = vec![(self, 0)];
        let mut margin = String::new();
        while let Some((description, next)) = open.last_mut() {
            let (description, index) = (*description, *next);
            let children = description.supervisor.children.len();
            if index == children {
                open.pop();
                // The margin of each level is three characters.
                let keep = margin.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
                margin.truncate(keep);
                continue;
            }
            *next += 1;
            description.draw_child(index, &margin, f)?;
            if let Some(below) = description.child_at(index) {
                margin.push_str(if index + 1 == children { "   " } else { "│  " });
                open.push((below, 0));
            }
        }
        Ok(())
    }
}

fn restart_name(restart: Restart) -> &'static str {
    match restart {
        Restart::Permanent => "permanent",
        Restart::Transient => "transient",
        Restart::Temporary => "temporary",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::{NodeId, Pid};
    use crate::supervisor::{ChildInfo, SupervisorOptions};

    /// More levels than a recursive function's stack has room for.
    const LEVELS: usize = 100_000;

    fn supervisor(level: usize) -> SupervisorInfo {
        let pid = Pid::new(Arc::new(NodeId::local(1)), level as u64 + 1);
        let child = ChildInfo {
            id: "d".to_owned(),
            pid: None,
            state: ChildState::Up,
            restart: Restart::Permanent,
            starts: 1,
            supervisor: None,
        };
        let options = SupervisorOptions::DEFAULT;
        SupervisorInfo { path: "/d".to_owned(), pid, options, dynamic: false, children: vec![child] }
    }

    #[test]
    fn a_deep_description_is_copied_compared_and_dropped_without_recursion() {
        let levels = (0..LEVELS).map(|level| (level.saturating_sub(1), 0, supervisor(level)));
        let description = Description::assemble(levels.collect()).unwrap();
        let copy = description.clone();
        assert!(copy == description);
        assert_eq!(format!("{copy:?}").matches("SupervisorInfo").count(), LEVELS);
    }
}
