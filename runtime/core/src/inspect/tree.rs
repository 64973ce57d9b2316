//! The supervision trees of another node.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::fitting;
use super::inspection::Inspection;
use super::question::Question;
use crate::actor::Stub;
use crate::base::{CallError, Pid};
use crate::call::{Address, CallName};
use crate::node::Node;
use crate::process::Cell;
use crate::supervisor::{Descent, Description, Supervision, SupervisionRef, SupervisorInfo};

/// The time after which a supervisor that starts or stops a child is left out.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// The most supervisors of all trees that are described together.
const MAX_SUPERVISORS: usize = 10_000;

/// The supervisors that no other supervisor has started.
#[derive(Serialize, Deserialize)]
pub(super) struct RootSupervisors {}

#[derive(Serialize, Deserialize)]
pub(super) struct OneSupervisor {
    pid: Pid,
}

impl Question for RootSupervisors {
    type Answer = Vec<Pid>;
    const NAME: &'static str = "inspect::root_supervisors";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::trees" };

    async fn answer(self, node: Node) -> Vec<Pid> {
        fitting(node.root_supervisors())
    }
}

impl Question for OneSupervisor {
    type Answer = Option<SupervisorInfo>;
    const NAME: &'static str = "inspect::supervisor";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::trees" };

    async fn answer(self, node: Node) -> Option<SupervisorInfo> {
        let number = Some(self.pid).filter(|pid| pid.belongs_to(node.id()))?.number();
        let cell: Arc<Cell<Supervision>> = node.table().get(number)?.into_any().downcast().ok()?;
        let supervisor = SupervisionRef::__new(Address::direct(cell, number));
        let mut info = supervisor.info().within(MAX_WAIT).await.ok()?;
        for child in &mut info.children {
            // A stub would give the right to stop the supervisor's children.
            let nested = child.supervisor.is_some().then(|| child.pid.clone()).flatten();
            child.supervisor = nested.map(|pid| named(&node, pid));
        }
        info.children = fitting(info.children);
        Some(info)
    }
}

/// Returns a stub that names a supervisor. Its messages are refused, unless the supervisor's node has sent out a stub.
fn named(node: &Node, pid: Pid) -> SupervisionRef {
    SupervisionRef::__new(Address::of_pid(node.clone(), pid))
}

impl Inspection {
    /// Describes the supervision trees of the node, with one question for each supervisor: see
    /// [`TreeStub::describe`](crate::TreeStub::describe).
    ///
    /// Of each supervisor as many children are described as fit into an answer, and of all trees together 10,000
    /// supervisors. A supervisor that exits in the meantime is left out, and so is one that has waited for the start or the
    /// end of a child for a second. The stubs of nested supervisors name them, and do
    /// not give the right to send requests to them. Cancel-safe.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # async fn show(node: &Node) -> greenroom::Result {
    /// for tree in node.inspect("shop@gollum").trees().await? {
    ///     println!("{tree}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of each question.
    pub async fn trees(&self) -> Result<Vec<Description>, CallError> {
        let (mut trees, mut left) = (Vec::new(), MAX_SUPERVISORS);
        for root in self.ask(RootSupervisors {}).await? {
            let mut descent = Descent::from(named(&self.node, root));
            while let Some((place, supervisor)) = descent.next().filter(|_| left > 0) {
                left -= 1;
                let Some(pid) = supervisor.pid() else { continue };
                if let Some(info) = self.ask(OneSupervisor { pid }).await? {
                    descent.add(place, info);
                }
            }
            trees.extend(descent.finish());
        }
        Ok(trees)
    }
}
