//! The credentials of the next connection.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use super::files::Contents;
use super::{CertificateError, Certificates};
use crate::base::NodeName;
use crate::log;
use crate::node::Node;
use crate::sched::Clock;
use crate::session::Credentials;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The newest credentials that could be loaded from the files of a node.
pub(in crate::cluster) struct CertificateStore {
    pub(super) files: Certificates,
    node: NodeName,
    roles: Arc<BTreeSet<String>>,
    time: Arc<dyn TimeProvider>,
    state: Mutex<State>,
}

struct State {
    /// The contents of the files that the credentials are from.
    contents: Contents,
    credentials: Arc<Credentials>,
    /// The error of the last attempt to load other contents. It is logged once.
    failure: Option<String>,
}

/// The time of day by a clock.
///
/// It is that of the machine, moved by as much as the clock differs from the machine's own. So it follows a correction of
/// the time of day, and a clock that a test controls.
struct NodeTime(Arc<dyn Clock>);

impl CertificateStore {
    /// Loads the files of the node with this name. `roles` are those that its policy defines.
    pub(in crate::cluster) fn load(
        files: Certificates,
        node: &NodeName,
        roles: BTreeSet<String>,
        clock: &Arc<dyn Clock>,
    ) -> Result<CertificateStore, CertificateError> {
        let (roles, time) = (Arc::new(roles), Arc::new(NodeTime(Arc::clone(clock))) as Arc<dyn TimeProvider>);
        let contents = files.read()?;
        let credentials = Arc::new(files.credentials(&contents, node, &roles, &time)?);
        let state = Mutex::new(State { contents, credentials, failure: None });
        Ok(CertificateStore { files, node: node.clone(), roles, time, state })
    }

    /// Returns the credentials for a new connection of `node`, from the files if these have changed. If those cannot be
    /// loaded, the previous ones are returned, and the error is counted and logged once.
    pub(in crate::cluster) fn current(&self, node: &Node) -> Arc<Credentials> {
        // Reading three small files takes less time than the handshake that follows. Their contents are compared, since
        // the time of a change is too coarse, and is kept by some tools.
        let mut state = self.lock();
        match self.files.read() {
            Ok(contents) if contents == state.contents => state.failure = None,
            Ok(contents) => match self.files.credentials(&contents, &self.node, &self.roles, &self.time) {
                Ok(credentials) => {
                    *state = State { contents, credentials: Arc::new(credentials), failure: None };
                    log::info!(target: "greenroom", node = %node.name(), "new certificates are in use");
                }
                Err(error) => state.keep(node, &error),
            },
            Err(error) => state.keep(node, &error),
        }
        let credentials = Arc::clone(&state.credentials);
        drop(state);
        self.check_expiry(node, &credentials);
        credentials
    }

    /// Returns the time until the credentials expire.
    pub(super) fn time_left(&self, credentials: &Credentials) -> Duration {
        let now = self.time.current_time().map_or(0, |now| now.as_secs());
        Duration::from_secs(credentials.expires().as_secs().saturating_sub(now))
    }

    // A panic while the lock was held cannot have left a change half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Notes that the files have other contents, which cannot be used.
    fn keep(&mut self, node: &Node, error: &CertificateError) {
        let text = with_cause(error);
        if self.failure.as_ref() != Some(&text) {
            node.loss_counts().count_rejected_certificates();
            log::warn!(
                target: "greenroom", node = %node.name(), error = %log::Escaped(&text),
                "cannot load the new certificates: the previous ones stay in use"
            );
            self.failure = Some(text);
        }
    }
}

fn with_cause(error: &CertificateError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl TimeProvider for NodeTime {
    fn current_time(&self) -> Option<UnixTime> {
        let (machine, clock) = (Instant::now(), self.0.now());
        let today = SystemTime::now();
        let moved = match clock.checked_duration_since(machine) {
            Some(ahead) => today.checked_add(ahead)?,
            None => today.checked_sub(machine.duration_since(clock))?,
        };
        moved.duration_since(UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}

impl fmt::Debug for NodeTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeTime")
    }
}
