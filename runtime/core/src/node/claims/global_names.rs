//! The owners of global names, in the view of this node, and the messages that wait for an owner.
//!
//! The registry sets the owners. The messages for a name wait in the order in which they were sent. A message never
//! overtakes one that waits: it waits behind it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{AwaitsOwner, Owner};
use crate::base::Pid;
use crate::node::names::shrink;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The owners of global names.
#[derive(Default)]
pub(crate) struct GlobalNames(Mutex<HashMap<Arc<str>, Entry>>);

#[derive(Default)]
struct Entry {
    owner: Option<Pid>,
    /// The first is being sent while `is_flushing`.
    waiting: VecDeque<Arc<dyn AwaitsOwner>>,
    is_flushing: bool,
}

impl GlobalNames {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the owner of a name.
    pub(crate) fn find(&self, name: &str) -> Option<Pid> {
        self.lock().get(name)?.owner.clone()
    }

    /// Returns the owner of a name if no message waits for it.
    pub(crate) fn find_ready(&self, name: &str) -> Option<Pid> {
        self.lock().get(name).filter(|entry| entry.waiting.is_empty())?.owner.clone()
    }

    /// Returns all names with an owner, sorted.
    pub(crate) fn all(&self) -> Vec<(Arc<str>, Pid)> {
        let names = self.lock();
        let owned = names.iter().filter_map(|(name, entry)| Some((Arc::clone(name), entry.owner.clone()?)));
        let mut all: Vec<_> = owned.collect();
        drop(names);
        all.sort();
        all
    }

    /// Sets the owner of a name. Its messages are sent by [`flush`](GlobalNames::flush).
    pub(crate) fn set(&self, name: &str, owner: Option<Pid>) {
        let mut names = self.lock();
        match (names.get_mut(name), owner) {
            (Some(entry), owner) => entry.owner = owner,
            (None, Some(owner)) => drop(names.insert(name.into(), Entry { owner: Some(owner), ..Entry::default() })),
            (None, None) => {}
        }
        remove_if_empty(&mut names, name);
    }

    /// Lets a message wait for an owner, behind those that wait already. [`flush`](GlobalNames::flush) has to follow, since
    /// there may be an owner by now.
    pub(crate) fn wait(&self, name: &Arc<str>, message: Arc<dyn AwaitsOwner>) {
        self.lock().entry(Arc::clone(name)).or_default().waiting.push_back(message);
    }

    /// Removes a message that is not to be sent any more.
    pub(crate) fn withdraw(&self, name: &str, message: *const ()) {
        let mut names = self.lock();
        let Some(entry) = names.get_mut(name) else { return };
        let position = entry.waiting.iter().position(|waiting| Arc::as_ptr(waiting).cast::<()>() == message);
        // The first one is removed by the flush that sends it.
        let removed = position.filter(|at| *at > 0 || !entry.is_flushing).and_then(|at| entry.waiting.remove(at));
        remove_if_empty(&mut names, name);
        drop(names);
        // Without the lock: it may be the last reference to the message, whose drop may send others.
        drop(removed);
    }

    /// Sends the messages that wait for a name, if it has an owner. They are sent by one caller at a time.
    pub(crate) fn flush(&self, name: &str) {
        loop {
            let mut names = self.lock();
            let Some(entry) = names.get_mut(name).filter(|entry| !entry.is_flushing) else { return };
            let (Some(owner), Some(first)) = (entry.owner.clone(), entry.waiting.front().cloned()) else { return };
            entry.is_flushing = true;
            drop(names);
            let is_sent = first.send_to(&Owner::Pid(owner.clone()));
            let mut names = self.lock();
            let Some(entry) = names.get_mut(name) else { return };
            entry.is_flushing = false;
            // The owner may have been replaced meanwhile.
            let has_other = entry.owner.as_ref() != Some(&owner);
            let sent = if is_sent { entry.waiting.pop_front() } else { None };
            remove_if_empty(&mut names, name);
            drop(names);
            drop((first, sent));
            if !is_sent && !has_other {
                return;
            }
        }
    }
}

fn remove_if_empty(names: &mut HashMap<Arc<str>, Entry>, name: &str) {
    if names.get(name).is_some_and(|entry| entry.owner.is_none() && entry.waiting.is_empty()) {
        names.remove(name);
        shrink(names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeId;

    /// A message that a dead owner does not take.
    struct Message {
        name: &'static str,
        dead: Pid,
        sent: Arc<Mutex<Vec<&'static str>>>,
    }

    impl AwaitsOwner for Message {
        fn send_to(&self, owner: &Owner) -> bool {
            let is_sent = !matches!(owner, Owner::Pid(pid) if *pid == self.dead);
            if is_sent {
                self.sent.lock().unwrap().push(self.name);
            }
            is_sent
        }

        #[cfg(feature = "registry")]
        fn expire(&self) -> bool {
            false
        }
    }

    #[test]
    fn no_message_overtakes_one_that_waits() {
        let (names, name) = (GlobalNames::default(), Arc::from("mail"));
        let pid = |number| Pid::new(Arc::new(NodeId::local(1)), number);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let message = |text| Arc::new(Message { name: text, dead: pid(1), sent: Arc::clone(&sent) });
        names.set("mail", Some(pid(1)));
        assert_eq!(names.find_ready("mail"), Some(pid(1)));
        let second = message("second");
        for waiting in [message("first"), Arc::clone(&second), message("third")] {
            names.wait(&name, waiting);
            names.flush("mail");
        }
        // The owner has ended. Later messages wait behind the others, though there is an owner.
        assert_eq!((names.find("mail"), names.find_ready("mail")), (Some(pid(1)), None));
        names.withdraw("mail", Arc::as_ptr(&second).cast());
        names.set("mail", None);
        names.flush("mail");
        assert!(sent.lock().unwrap().is_empty());
        names.set("mail", Some(pid(2)));
        assert_eq!(names.find_ready("mail"), None);
        names.flush("mail");
        assert_eq!(*sent.lock().unwrap(), ["first", "third"]);
        assert_eq!((names.find_ready("mail"), names.all()), (Some(pid(2)), vec![(name, pid(2))]));
        names.set("mail", None);
        assert!(names.lock().is_empty());
    }
}
