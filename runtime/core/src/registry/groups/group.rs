//! The handle of a group.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::broadcast::Broadcast;
use super::events::GroupEvents;
use super::members;
use super::pick::{NoMember, Pick};
use super::service::Service;
use crate::actor::{Stub, Stubbed};
use crate::base::{Pid, short_name};
use crate::call::Address;
use crate::node::{LocalProcess, Node};
use crate::process::Mailbox;
use crate::wire::{Epoch, GroupName};

/// A group of processes on all connected nodes that have one protocol, under a name: the model is Erlang's
/// [`pg`](https://www.erlang.org/doc/apps/kernel/pg.html).
///
/// A group exists while it has members, on whichever nodes, and needs no creation. A `Group` is a handle that is cheap to
/// clone. `M` is a protocol: an enum with `#[protocol]`, or the generated `CounterMessage` of an actor `Counter`. Groups of
/// one name with different protocols are different groups.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::registry::{Group, Pick};
///
/// #[actor]
/// struct Board;
///
/// #[actor]
/// impl Board {
///     #[init]
///     async fn open(cx: &mut Context<Self>) -> Result<Board, Exit> {
///         Group::<BoardMessage>::named("boards").join(cx);
///         Ok(Board)
///     }
///
///     #[cast]
///     fn show(&mut self, train: String) {
///         println!("{train} is late");
///     }
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let boards = Group::<BoardMessage>::named("boards");
/// for _ in 0..3 {
///     Board::open().start().await?;
/// }
/// boards.broadcast(BoardMessage::Show { train: "the 9:15".into() });
/// boards.pick(Pick::Key(&"platform 2"))?.show("the 9:20".into());
/// assert_eq!(boards.members().len(), 3);
/// # Ok(())
/// # }
/// ```
///
/// # Members
/// - A process joins by itself, on its own node. It is a member once, however often it joins, so it receives a broadcast
///   once. In `pg` it would be a member as often as it has joined.
/// - A process that exits leaves all its groups, before its links and monitors are notified. A supervised child that is
///   restarted joins again, for example in its `#[init]`.
/// - A node lists the members of all nodes that it is connected to. A change takes the time of one message to another node,
///   and at most some 10 ms more. After the loss of a connection the peer's members are not listed, and on a new
///   connection they are listed again. So the members are eventually the same on all nodes, as in `pg`.
/// - A node takes part in groups from its first use of one. Before that, it neither sends nor stores anything about them.
///   Members on nodes without a connection, as with [`Mesh::on_demand`](crate::Mesh::on_demand), are not listed. A
///   connection between two nodes that take part in groups is not closed when it is idle. A
///   [hidden](crate::Mesh::hidden) node takes part with those it is connected to.
/// - A peer needs the right [`Right::Groups`](crate::Right::Groups): to see the members of a node, to broadcast to
///   them, and to be listed there. A member can be reached by its pid from all nodes.
pub struct Group<M: Stubbed> {
    node: Node,
    service: Arc<Service>,
    name: Arc<GroupName>,
    _protocol: PhantomData<fn(M)>,
}

impl<M: Stubbed> Group<M> {
    /// Returns the group with this name, on the current node.
    ///
    /// Of a name with more than 255 bytes, the first bytes and a hash are used.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`]. Use [`Node::group`] there.
    #[track_caller]
    pub fn named(name: &str) -> Group<M> {
        Node::current().group(name)
    }

    /// Returns the group's name.
    pub fn name(&self) -> &str {
        &self.name.name
    }

    /// Makes the process a member. Does nothing if it is one already, or has exited.
    pub fn join(&self, process: &Mailbox<M>) {
        let node = process.node();
        let cell = Arc::clone(process.cell());
        self.service_of(node).join(node, &self.name, process.pid().number(), cell);
    }

    /// Ends the membership of the process. Returns `false` if it is not a member.
    pub fn leave(&self, process: &Mailbox<M>) -> bool {
        let node = process.node();
        self.service_of(node).leave(node, &self.name, process.pid().number())
    }

    /// Returns the members on all nodes.
    pub fn members(&self) -> Vec<M::Ref> {
        let mut members = self.local_members();
        let table = self.service.table();
        let remote = table.group(&self.name).into_iter().flat_map(|group| group.remote.values());
        let pids: Vec<Pid> = remote
            .flat_map(|peer| peer.numbers.keys().map(|number| Pid::new(Arc::clone(&peer.node), *number)))
            .collect();
        drop(table);
        members.extend(pids.into_iter().map(|pid| self.remote_stub(pid)));
        members
    }

    /// Returns the number of members on all nodes.
    pub fn count(&self) -> usize {
        self.service.table().group(&self.name).map_or(0, members::Group::count)
    }

    /// Returns the members on this node.
    pub fn local_members(&self) -> Vec<M::Ref> {
        let local = self.service.table().group(&self.name).map(|group| Arc::clone(&group.local));
        let local = local.iter().flat_map(|members| members.iter());
        local
            .filter_map(|(number, cell)| local_stub(LocalProcess { number: *number, cell: Arc::clone(cell) }))
            .collect()
    }

    /// Sends a message to all members.
    ///
    /// The message is encoded once, and each node that has members receives one frame. There it is decoded for each member,
    /// so the message needs no `Clone`. The sender is among the receivers if it is a member. Messages and broadcasts of one
    /// process to another one keep their order.
    ///
    /// The mailbox of each member treats the message by its overflow policy. Nothing waits for a full mailbox: with
    /// `overflow = wait`, as many messages wait in front of it as it holds, and further ones are lost and counted.
    ///
    /// The members on this node have the message when this returns, which takes time in proportion to their number.
    ///
    /// # Errors
    /// Those of [`Broadcast`], which is a future. The message must be one that can be sent to other nodes, also if all
    /// members are on this one: the protocol is not `local`, and there is no `Reply` in it.
    pub fn broadcast(&self, message: M) -> Broadcast {
        Broadcast::send(&self.node, &self.service, &self.name, &message)
    }

    /// Chooses a member.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use greenroom::registry::{Group, Pick};
    /// # #[protocol]
    /// # enum Mail { Post { priority: u8, body: String } }
    /// # fn deliver(user: &str) -> greenroom::Result {
    /// let mailers = Group::<Mail>::named("mailers");
    /// mailers.pick(Pick::Key(&user))?.post(1, "hello".into());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The group has no members.
    pub fn pick(&self, pick: Pick<'_>) -> Result<M::Ref, NoMember> {
        let draw = |bound| self.node.rng().below(bound);
        let mut table = self.service.table();
        let picked = table.group_mut(&self.name).and_then(|group| {
            let (epoch, number) = pick.choose(group, self.node.id(), draw)?;
            if epoch == Epoch::LOCAL {
                let cell = Arc::clone(group.local.get(&number)?);
                Some(Ok(LocalProcess { number, cell }))
            } else {
                Some(Err(Pid::new(Arc::clone(&group.remote.get(&epoch)?.node), number)))
            }
        });
        drop(table);
        let stub = match picked {
            Some(Ok(process)) => local_stub(process),
            Some(Err(pid)) => Some(self.remote_stub(pid)),
            None => None,
        };
        stub.ok_or_else(|| NoMember { group: self.name().to_owned() })
    }

    /// Returns a stream of the group's events: its members now, followed by all changes. Also of a group that has no members
    /// yet.
    ///
    /// A process can [`attach`](crate::Mailbox::attach) the stream to its mailbox. A subscriber that is too slow loses
    /// events, and receives [their number](super::GroupEvent::Missed). As `pg:monitor/1`.
    pub fn events(&self) -> GroupEvents {
        GroupEvents::subscribe(&self.node, &self.service, &self.name)
    }

    /// Returns the groups of the process's node, which in a program with several nodes can be another one than the handle's.
    fn service_of(&self, node: &Node) -> Arc<Service> {
        if node.is_same(&self.node) { Arc::clone(&self.service) } else { Service::of(node) }
    }

    fn remote_stub(&self, pid: Pid) -> M::Ref {
        M::Ref::__new(Address::of_pid(self.node.clone(), pid))
    }
}

/// Returns the stub of a member. All members have the group's protocol.
fn local_stub<S: Stub>(process: LocalProcess) -> Option<S> {
    Address::of_process(process).map(S::__new)
}

#[cfg(feature = "registry")]
impl Node {
    /// Returns the group with this name, on this node. See [`Group::named`].
    pub fn group<M: Stubbed>(&self, name: &str) -> Group<M> {
        let name = GroupName { name: short_name(name).into(), protocol: short_name(M::NAME).into() };
        Group { node: self.clone(), service: Service::of(self), name: Arc::new(name), _protocol: PhantomData }
    }

    /// Returns the names of the groups that have members on this node or on nodes that it is connected to, sorted.
    ///
    /// From [`pg:which_groups/0`](https://www.erlang.org/doc/apps/kernel/pg.html#which_groups/0).
    pub fn group_names(&self) -> Vec<String> {
        let service = Service::of(self);
        let mut names: Vec<String> = service.table().names().map(|group| group.name.to_string()).collect();
        names.dedup();
        names
    }
}

// By hand, since a derive would require the same of `M`.
impl<M: Stubbed> Clone for Group<M> {
    fn clone(&self) -> Group<M> {
        let (service, name) = (Arc::clone(&self.service), Arc::clone(&self.name));
        Group { node: self.node.clone(), service, name, _protocol: PhantomData }
    }
}

impl<M: Stubbed> fmt::Debug for Group<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Group").field(&self.name()).finish()
    }
}
