use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::control::{Attached, ControlBlock, RunState, Start};
use super::stream_source::StreamSource;
use super::{SystemRequest, discard, fail, flags};
use crate::base::{CallError, Down, Exit, ExitSignal, MonitorRef, Pid, Protocol, Subject, System};
use crate::mailbox::{Bounds, Entry, Mask, Origin, Owner, Pushed, Queue, Refused, Why};
use crate::node::{Current, DeadlockCheck, Node, RemoteTarget, Resident};
use crate::signal::{Effect, Farewell, Relations};
use crate::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::{FrameTarget, Signal};

/// Where a process lives, and its successors if it is supervised.
// In this order, so that what a poll asks first, and what a sender touches, lies together. Of a process that has not run for
// a while, each line of the cache that is wanted is to be fetched from memory by itself.
#[repr(C)]
pub(crate) struct Cell<M: Protocol> {
    /// What the process has to see to before its next message: bits of [`flags`](super::flags).
    pub(super) flags: AtomicU16,
    /// The variant of the last message that was taken, once the mailbox is gone.
    last: AtomicU16,
    /// How much room its task takes, in units of eight bytes; a larger one than can be said is as large as can be said.
    size: AtomicU16,
    /// Whether its mailbox is.
    bounded: bool,
    exported: AtomicBool,
    pub(super) node: Node,
    /// Set if another process will move in when this one ends.
    place: Option<Box<ChildSlot>>,
    pub(super) queue: Queue<M>,
    control: Mutex<ControlBlock>,
}

/// No message was taken.
const NOTHING: u16 = u16::MAX;

/// What a supervised child's cell is called, in all its lives.
struct ChildSlot {
    path: Arc<str>,
    exported: AtomicBool,
    /// Why the last start failed, if it did.
    failure: Mutex<Option<Exit>>,
}

/// What a process leaves behind that others wait for.
pub(super) struct PendingWork {
    pub(super) feeds: Vec<Arc<StreamSource>>,
    pub(super) asides: Vec<SystemRequest>,
}

/// What is told of a process that crashed.
pub(super) struct CrashInfo {
    pub(super) kind: &'static str,
    pub(super) parent: u64,
    pub(super) name: Option<String>,
    pub(super) born: Instant,
    pub(super) last: Option<Cow<'static, str>>,
    pub(super) links: Vec<Pid>,
}

impl ChildSlot {
    fn new(path: Arc<str>) -> ChildSlot {
        ChildSlot { path, exported: AtomicBool::new(false), failure: Mutex::new(None) }
    }

    fn failure(&self) -> MutexGuard<'_, Option<Exit>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Protocol> Cell<M> {
    /// A vacant cell; with a `path`, one process after another will live in it.
    pub(crate) fn new(node: Node, path: Option<Arc<str>>, bounds: Option<Bounds>) -> Arc<Cell<M>> {
        let place = path.map(|path| Box::new(ChildSlot::new(path)));
        Arc::new(Cell::with(node, place, bounds, ControlBlock::vacant()))
    }

    fn with(node: Node, place: Option<Box<ChildSlot>>, bounds: Option<Bounds>, control: ControlBlock) -> Cell<M> {
        let long = node.thresholds().long_mailbox;
        Cell {
            node,
            bounded: bounds.is_some(),
            queue: Queue::owned(bounds, long, control.number),
            control: Mutex::new(control),
            place,
            flags: AtomicU16::new(flags::NEW),
            last: AtomicU16::new(NOTHING),
            size: AtomicU16::new(0),
            exported: AtomicBool::new(false),
        }
    }

    /// A cell for one process, which has moved in: it has a number and can be reached from here on, though it does not
    /// run yet.
    pub(crate) fn occupied(node: Node, bounds: Option<Bounds>, start: Start) -> (Arc<Cell<M>>, u64) {
        let (number, born) = (node.next_number(), node.age());
        let cell = Arc::new(Cell::with(node, None, bounds, ControlBlock::new(number, start, born)));
        cell.enroll(number, start);
        (cell, number)
    }

    /// The next process moves in.
    pub(crate) fn occupy(self: &Arc<Self>, start: Start) -> u64 {
        let (number, born) = (self.node.next_number(), self.node.age());
        let mut control = self.control();
        let before = std::mem::replace(&mut *control, ControlBlock::new(number, start, born));
        self.flags.store(flags::NEW, Ordering::Relaxed);
        self.last.store(NOTHING, Ordering::Relaxed);
        self.exported.store(false, Ordering::Relaxed);
        drop(control);
        drop(before);
        match self.place {
            Some(_) => self.queue.open_for_start(number),
            None => self.queue.open(number),
        }
        self.enroll(number, start);
        number
    }

    /// Only when all else is ready it can be found.
    fn enroll(self: &Arc<Self>, number: u64, start: Start) {
        self.node.table().insert(number, Arc::clone(self) as Arc<dyn Resident>);
        if start.kind.node_events {
            self.node.watch_nodes(number, true);
        }
    }

    /// The start of the process has succeeded: what waits here is its own now. Until then it is held for whoever follows.
    pub(crate) fn started(&self, number: u64) {
        if self.place.is_some() {
            self.queue.started(number);
        }
    }

    /// Whether what waits here is held for the next process, should the start of this one fail.
    pub(super) fn is_starting(&self) -> bool {
        self.place.is_some() && self.queue.is_starting()
    }

    /// Whoever starts processes here says how the last start went.
    pub(crate) fn note_start(&self, failure: Option<&Exit>) {
        if let Some(place) = &self.place {
            *place.failure() = failure.cloned();
        }
    }

    // What panics under this lock is at most an allocation; the fate is whole then.
    pub(super) fn control(&self) -> MutexGuard<'_, ControlBlock> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    #[inline]
    pub(super) fn is_bounded(&self) -> bool {
        self.bounded
    }

    #[inline]
    pub(crate) fn queue(&self) -> &Queue<M> {
        &self.queue
    }

    /// Puts a message into the mailbox, or into the line before it: then with its ticket, for a sender that will
    /// hold it.
    #[inline]
    pub(crate) fn send(&self, owner: Owner, message: M, held: bool) -> Result<Option<u64>, Refused<M>> {
        match self.push(owner, Entry { origin: Origin::SENT, message }, held) {
            Ok(Pushed::In) => Ok(None),
            other => self.sent_slow(other),
        }
    }

    #[cold]
    fn sent_slow(&self, pushed: Result<Pushed<M>, Refused<M>>) -> Result<Option<u64>, Refused<M>> {
        match pushed {
            Ok(Pushed::In) => Ok(None),
            Ok(Pushed::InLine(ticket)) => Ok(Some(ticket)),
            Ok(Pushed::InsteadOf(oldest)) => {
                self.overflow(oldest);
                Ok(None)
            }
            Err(Refused { message, why: Why::Dropped }) => {
                self.overflow(message);
                Ok(None)
            }
            Err(refused) => {
                if refused.why == Why::Full {
                    self.node.loss_counts().overflow();
                }
                Err(refused)
            }
        }
    }

    #[inline]
    fn push(&self, owner: Owner, entry: Entry<M>, held: bool) -> Result<Pushed<M>, Refused<M>> {
        let origin = entry.origin;
        match self.queue.push(owner, entry, held) {
            Err(Refused { message, why: Why::Noticed }) => self.push_noticed(owner, Entry { origin, message }, held),
            other => other,
        }
    }

    /// Puts a message of the process's own into its mailbox, whatever its bound.
    pub(crate) fn send_own(&self, number: u64, message: M) {
        // A process that has ended meanwhile gets nothing, as in Erlang.
        let _ = self.push(Owner::This(number), Entry { origin: Origin::OWN, message }, false);
    }

    /// Drops a message that an overflowing mailbox has no room for; a call in it hears so.
    pub(super) fn overflow(&self, message: M) {
        self.node.loss_counts().overflow();
        let ((), dropped) = Current::collect_dropped(&self.node, u64::MAX, || drop(message));
        fail(dropped, &CallError::Full);
    }

    pub(crate) fn export(&self) {
        self.exported.store(true, Ordering::Relaxed);
    }

    /// Whether the process's stub has left this node.
    pub(super) fn is_exported(&self) -> bool {
        self.exported.load(Ordering::Relaxed)
    }

    /// Whether the place's has.
    pub(super) fn is_place_exported(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.exported.load(Ordering::Relaxed))
    }

    /// The path of the place that this is, if one process after another lives here.
    pub(crate) fn path(&self) -> Option<&Arc<str>> {
        self.place.as_ref().map(|place| &place.path)
    }

    /// The number of the process that lives here, also while it clears up.
    pub(crate) fn resident(&self) -> Option<u64> {
        let control = self.control();
        (control.stage != RunState::Vacant).then_some(control.number)
    }

    /// A stub that follows whoever lives here leaves this node: the path that it travels by.
    ///
    /// One whose path does not fit into a frame has none there.
    pub(crate) fn export_place(&self) -> Option<String> {
        let place = self.place.as_ref().filter(|place| place.path.len() <= FrameTarget::MAX_NAME)?;
        place.exported.store(true, Ordering::Relaxed);
        Some(place.path.to_string())
    }

    pub(crate) fn doom(&self) -> Option<Exit> {
        if self.is_doomed() { self.control().reason() } else { None }
    }

    /// Remembers how to wake the process, and how large its task is; whether that could be noted just now.
    pub(super) fn set_task(&self, waker: &Waker, size: usize) -> bool {
        self.size.store(u16::try_from(size.div_ceil(8)).unwrap_or(u16::MAX), Ordering::Relaxed);
        self.queue.set_waker(waker)
    }

    /// How many bytes its task takes.
    pub(super) fn task_size(&self) -> u64 {
        u64::from(self.size.load(Ordering::Relaxed)) * 8
    }

    /// Lets the process have a turn.
    pub(super) fn wake(&self) {
        self.queue.wake();
    }

    pub(crate) fn set_trap_exit(&self, trap: bool) -> bool {
        std::mem::replace(&mut self.control().trap_exit, trap)
    }

    pub(crate) fn watch_nodes(&self, watch: bool) {
        let number = {
            let mut control = self.control();
            control.node_events = watch;
            control.number
        };
        self.node.watch_nodes(number, watch);
    }

    /// Whether a server has been told to stop and has not seen it yet.
    pub(crate) fn is_stopping(&self) -> bool {
        self.flags() & flags::STOPPING != 0
    }

    /// The word to stop, if so many messages have been read since: what came before it is handled before it.
    pub(crate) fn take_stop(&self, read: u64) -> Option<Exit> {
        let mut control = self.control();
        // Whoever is doomed ends for that reason.
        if self.flags() & (flags::STOPPING | flags::DOOMED) != flags::STOPPING {
            return None;
        }
        let reason = control.take_stop(read)?;
        self.clear_flag(flags::STOPPING);
        Some(reason)
    }

    /// Asks the process to stop: a server between two messages, any other at once.
    pub(crate) fn stop(&self, number: u64, reason: Exit) {
        let mut control = self.control();
        if control.is_home_to(number) {
            self.halt(&mut control, reason);
        }
    }

    fn halt(&self, control: &mut ControlBlock, reason: Exit) {
        if !control.kind.server {
            return self.die(control, reason);
        }
        // The first word counts, and a harder one more.
        if self.flags() & (flags::STOPPING | flags::DOOMED) == 0 {
            control.decide_after(self.queue.pushed(), reason);
            self.set_flag(flags::STOPPING);
            self.queue.wake();
        }
    }

    fn die(&self, control: &mut ControlBlock, reason: Exit) {
        if !self.is_doomed() {
            control.decide(reason);
            self.set_flag(flags::DOOMED);
            self.queue.wake();
        }
    }

    /// Sends an exit signal to the process with this number; `from` is another's of the same node, or zero.
    pub(crate) fn exit(&self, number: u64, from: u64, reason: Exit) {
        let mut control = self.control();
        // On the dead it is lost.
        if control.is_of(number) {
            let effect = Relations::exit(from == number, || self.node.pid(from), control.trap_exit, reason);
            self.apply_effect(&mut control, Some(from), effect);
        }
    }

    /// What a signal does to the process; `sender` is the number of who sent it, if it is one of this node.
    pub(super) fn apply_effect(&self, control: &mut ControlBlock, sender: Option<u64>, effect: Effect) {
        let number = control.number;
        // The node itself stops everybody when `main` returns.
        let from_above =
            control.kind.server && sender.is_some_and(|sender| sender == control.parent || sender == Node::ITSELF);
        match effect {
            Effect::None | Effect::Acknowledge(_) => {}
            Effect::Die(reason) => self.die(control, reason),
            Effect::Stop(reason) if control.stage == RunState::Alive => self.halt(control, reason),
            Effect::Stop(_) => {}
            Effect::Exit(ExitSignal { reason, .. }) if from_above => self.halt(control, reason),
            Effect::Exit(signal) => self.push_system(number, Origin::OWN, signal),
            // Under the lock, so that `demonitor` either prevents the message or finds it.
            Effect::Down(down) => self.push_system(number, Origin::monitor(down.monitor.0), down),
        }
    }

    /// Ends the process for a panic beside its future; `false` if its end was decided already.
    pub(super) fn fail_with_panic(&self, number: u64, panic: &Exit) -> bool {
        let mut control = self.control();
        let in_time = control.is_home_to(number) && !self.is_doomed();
        if in_time {
            self.die(&mut control, panic.clone());
        }
        in_time
    }

    /// Why the process is ending, if it is.
    pub(super) fn ending(&self, number: u64) -> Option<Exit> {
        let control = self.control();
        let ended = || control.owns().and_then(|attached| attached.ended.clone());
        let decided = || if control.stage == RunState::Vacant || self.is_doomed() { control.reason() } else { None };
        (control.number == number).then(|| ended().or_else(decided)).flatten()
    }

    /// Gives the process something beside its future; `None` if it is ending.
    pub(super) fn acquire<R>(&self, number: u64, f: impl FnOnce(&mut Attached) -> R) -> Option<R> {
        let mut control = self.control();
        control.is_home_to(number).then(|| f(control.attached()))
    }

    /// What the process has beside its future; `None` if it is no more.
    pub(super) fn attached<R>(&self, number: u64, f: impl FnOnce(&mut Attached) -> R) -> Option<R> {
        let mut control = self.control();
        control.is_of(number).then(|| f(control.attached()))
    }

    /// Who asks what the process waits for, to be told after the next poll.
    pub(super) fn inquiries(&self) -> Vec<Arc<DeadlockCheck>> {
        if !self.clear_flag(flags::INQUIRED) {
            return Vec::new();
        }
        let mut control = self.control();
        control.owns_mut().map(|attached| std::mem::take(&mut attached.inquiries)).unwrap_or_default()
    }

    /// Remembers the variant of the last message that the process took.
    pub(super) fn note_last(&self, number: u64, variant: Option<u16>) {
        let control = self.control();
        if control.number == number {
            self.last.store(variant.unwrap_or(NOTHING), Ordering::Relaxed);
        }
    }

    /// Remembers in words what the process has just taken.
    pub(super) fn note_text(&self, number: u64, text: Option<String>) {
        let before = self.acquire(number, |attached| std::mem::replace(&mut attached.text, text));
        drop(before);
    }

    /// What a crash report says of the process.
    pub(super) fn crash_info(&self) -> CrashInfo {
        let control = self.control();
        let variant = M::VARIANTS.get(usize::from(self.last.load(Ordering::Relaxed)));
        let text = control.owns().and_then(|attached| attached.text.clone());
        CrashInfo {
            kind: (control.kind.name)(),
            parent: control.parent,
            name: control.name().cloned(),
            born: self.node.moment(control.born),
            last: text.map(Cow::Owned).or_else(|| variant.map(|variant| variant.name.into())),
            links: control.has().map(|rest| rest.relations.links().cloned().collect()).unwrap_or_default(),
        }
    }

    // A process that does not take such messages never traps or watches: the types see to that.
    pub(super) fn push_system<T: 'static>(&self, number: u64, origin: Origin, message: T) {
        if let Some(message) = M::from_system(&mut System::offer(&mut Some(message))) {
            // Refused means that the process is clearing up and reads no more.
            let _ = self.push(Owner::This(number), Entry { origin, message }, false);
        }
    }

    /// Links the process that lives here to `peer`. A link to itself is none.
    pub(crate) fn link(&self, me: &Pid, peer: &Pid) {
        if me == peer {
            return;
        }
        let signals = self.relations(me.number(), |relations| relations.link(peer.clone()));
        for signal in signals.into_iter().flatten() {
            self.node.signal(me, peer, signal);
        }
    }

    pub(crate) fn unlink(&self, me: &Pid, peer: &Pid) {
        let unlink = self.relations(me.number(), |relations| relations.unlink(peer)).flatten();
        if let Some(signal) = unlink {
            self.node.signal(me, peer, signal);
        }
    }

    /// Watches `subject`, which is `target` if that is known already.
    pub(crate) fn monitor(&self, me: &Pid, subject: Subject, target: Option<Pid>) -> MonitorRef {
        let reference = self.node.next_reference();
        // Who watches itself would hear of its end no more than anybody else's dead.
        if target.as_ref() == Some(me) {
            return reference;
        }
        self.relations(me.number(), |relations| relations.monitor(reference, subject.clone(), target.clone()));
        let signal = Signal::Monitor { reference };
        match (target, subject) {
            (Some(target), _) | (None, Subject::Pid(target)) => self.node.signal(me, &target, signal),
            (None, Subject::Name(name, node)) => {
                let sent = self.node.send_signal(me.number(), RemoteTarget::Name(&name, &node), signal);
                if let Err(reason) = sent {
                    self.down(me.number(), reference, reason);
                }
            }
        }
        reference
    }

    /// A watch that cannot be set up ends at once.
    pub(crate) fn down(&self, number: u64, reference: MonitorRef, reason: Exit) {
        let mut control = self.control();
        if control.number != number {
            return;
        }
        let ended = control.has_mut().and_then(|rest| rest.relations.demonitor(reference));
        if let Some((target, _)) = ended {
            self.push_system(number, Origin::monitor(reference.0), Down { monitor: reference, target, reason });
        }
    }

    /// Ends a watch; whether it was live.
    pub(crate) fn demonitor(&self, me: &Pid, reference: MonitorRef) -> bool {
        let ended = self.relations(me.number(), |relations| relations.demonitor(reference)).flatten();
        let live = ended.is_some();
        if let Some((subject, target)) = ended {
            self.tell_demonitor(me, reference, subject, target);
        }
        live
    }

    fn tell_demonitor(&self, me: &Pid, reference: MonitorRef, subject: Subject, target: Option<Pid>) {
        let signal = Signal::Demonitor { reference };
        match (target, subject) {
            (Some(target), _) | (None, Subject::Pid(target)) => self.node.signal(me, &target, signal),
            (None, Subject::Name(name, node)) => {
                // A lost connection has ended the watch by itself.
                let _ = self.node.send_signal(me.number(), RemoteTarget::Name(&name, &node), signal);
            }
        }
    }

    pub(super) fn relations<R>(&self, number: u64, f: impl FnOnce(&mut Relations) -> R) -> Option<R> {
        let mut control = self.control();
        control.is_of(number).then(|| f(&mut control.rest().relations))
    }

    /// The first step of an end: nobody takes it for alive any more. What nobody will answer, and the streams that feed
    /// the mailbox, for the caller to drop.
    pub(super) fn begin_end(&self) -> Option<PendingWork> {
        let mut control = self.control();
        control.stage = RunState::Ending;
        let attached = control.owns_mut()?;
        let (feeds, asides) = (std::mem::take(&mut attached.feeds), std::mem::take(&mut attached.asides));
        Some(PendingWork { feeds, asides: asides.into_iter().map(|(system_request, _)| system_request).collect() })
    }

    /// The second: what is left in the mailbox, for the caller to drop.
    pub(crate) fn empty(&self) -> VecDeque<Entry<M>> {
        self.queue.leave(self.place.is_some())
    }

    /// The last two: the name is free, then links and watchers hear of it. While blocking code still runs, that waits for
    /// the last of it to return.
    pub(crate) fn finish(&self, number: u64, reason: &Exit) {
        let mut control = self.control();
        if let Some(attached) = control.owns_mut()
            && attached.blocking > 0
        {
            attached.ended = Some(reason.clone());
            return;
        }
        let name = control.has_mut().and_then(|rest| rest.name.take());
        if let Some(name) = &name {
            // Names are given under their own lock, and this one's after it.
            drop(control);
            self.node.names().free(name, number);
            control = self.control();
        }
        let node_events = control.node_events;
        let rest = control.vacate(reason);
        drop(control);
        if node_events {
            self.node.watch_nodes(number, false);
        }
        self.node.table().leave(number, || Some(self.last_figures(reason)));
        self.look_away(number);
        if !reason.is_orderly() {
            self.node.lives().tell(|| self.crashed(number, name, reason));
        }
        let Some(rest) = rest else { return };
        if rest.relations.is_empty() {
            return;
        }
        let me = self.node.pid(number);
        let Farewell { signals, watching } = rest.relations.end(reason);
        for (reference, subject, target) in watching {
            self.tell_demonitor(&me, reference, subject, target);
        }
        for (peer, signal) in signals {
            self.node.signal(&me, &peer, signal);
        }
    }

    /// Why the process with this number ended, if it was the last to live here.
    pub(crate) fn left(&self, number: u64) -> Option<Exit> {
        let control = self.control();
        let last = control.number == number && control.stage == RunState::Vacant;
        last.then(|| control.reason()).flatten()
    }

    /// Nobody will live here, unless a process moves in anew. What waited is lost; whoever called learns why the last
    /// start failed, or that there is nobody.
    pub(crate) fn close(&self) {
        let (number, held) = (self.control().number, self.queue.close());
        if held.is_empty() {
            return;
        }
        self.node.loss_counts().lose(held.len() as u64);
        let failure = self.place.as_ref().and_then(|place| place.failure().clone());
        let ((), callers) = Current::collect_dropped(&self.node, number, || discard(&self.node, number, held));
        fail(callers, &failure.map_or(CallError::NoProc, CallError::Exit));
    }

    pub(crate) const fn mask_of(names: Option<&[&str]>) -> Mask {
        Mask::of(names, M::VARIANTS)
    }
}
