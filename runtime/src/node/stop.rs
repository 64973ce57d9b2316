use std::time::Duration;

use super::Node;
use crate::base::Exit;
use crate::wire::Signal;

/// How long a process has to stop in order before it is killed: OTP's default for a worker.
const GRACE: Duration = Duration::from_secs(5);

impl Node {
    /// Stops everything in order: first the supervision trees, each from its root, then every other process;
    /// who does not stop within 5 s is killed. Then the connections to other nodes are closed.
    ///
    /// Called when `main` returns. Not cancel-safe: what has not been told to stop by then goes on.
    pub async fn stop(&self) {
        self.shut_down(true).await;
        self.shut_down(false).await;
        if let Some(router) = self.router() {
            router.close().await;
        }
    }

    async fn shut_down(&self, trees: bool) {
        let me = self.pid(Node::ITSELF);
        let chosen: Vec<_> = self
            .table()
            .all()
            .into_iter()
            .filter(|(_, resident)| {
                resident
                    .lineage()
                    .is_some_and(|lineage| !trees || (lineage.supervisor && !self.is_supervisor(lineage.parent)))
            })
            .map(|(number, _)| number)
            .collect();
        for (reason, grace) in [(Exit::shutdown(), (!trees).then_some(GRACE)), (Exit::Kill, Some(GRACE))] {
            for number in &chosen {
                if let Some(resident) = self.table().get(*number) {
                    resident.signal(*number, &me, Signal::Exit { reason: reason.clone(), linked: false });
                }
            }
            let gone = async {
                for number in &chosen {
                    self.table().gone(*number).await;
                }
            };
            self.clock().within(grace, gone).await;
            if chosen.iter().all(|number| self.table().get(*number).is_none()) {
                return;
            }
        }
    }

    fn is_supervisor(&self, number: u64) -> bool {
        self.table().get(number).and_then(|resident| resident.lineage()).is_some_and(|lineage| lineage.supervisor)
    }
}
