//! The alarm before the certificate of a node expires.

use std::sync::Arc;
use std::time::Duration;

use super::CertificateStore;
use crate::cluster::closing::ClosingPart;
use crate::node::Node;
use crate::observe::Alarm;
use crate::session::Credentials;

/// The time before the expiry at which the alarm is raised.
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The longest time between two looks at the files. A replaced certificate clears the alarm after this time, also
/// without connections. The time of day may also have been corrected meanwhile.
const LOOK: Duration = Duration::from_secs(60 * 60);

impl CertificateStore {
    /// Raises and clears the alarm until the node stops.
    pub(in crate::cluster) async fn watch(self: Arc<Self>, node: Node, closing: ClosingPart) {
        while !closing.has_begun() {
            let left = self.time_left(&self.current(&node));
            // A second more: the time that is left has no fractions of seconds.
            let due = left.checked_sub(WEEK).map_or(LOOK, |due| due + Duration::from_secs(1));
            tokio::select! {
                biased;
                () = node.clock().sleep_until(node.clock().now() + due.min(LOOK)) => {}
                () = closing.begun() => return,
            }
        }
    }

    /// Raises the alarm if the certificate expires in a week or has expired, and clears it otherwise.
    pub(super) fn check_expiry(&self, node: &Node, credentials: &Credentials) {
        let left = self.time_left(credentials);
        let alarm = Alarm::CertificateExpires { file: self.files.certificate_path().display().to_string(), left };
        if left <= WEEK {
            node.raise_alarm(alarm);
        } else {
            node.clear_alarm(&alarm.key(), None);
        }
    }
}
