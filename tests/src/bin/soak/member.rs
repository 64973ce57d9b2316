//! A process of the crowd, which interacts with its neighbours and with children at random.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use greenroom::{NameError, Timer, prelude::*};

use super::children::{ChildRef, Token};
use super::{Totals, count, mix};

/// The messages between the members of a crowd.
#[protocol(local)]
#[derive(Debug)]
pub(crate) enum Letter {
    /// All members have started.
    Go,
    /// A note with its number among those of this sender to this receiver.
    Note { from: usize, number: usize },
    /// A request for the number of notes of this sender that have arrived.
    Count { from: usize, reply: Reply<usize> },
    /// The timer with this number expired. The timer is no longer counted when the message is dropped.
    Tick { number: usize, timer: Arc<()> },
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

/// The processes that run at the same time.
#[derive(Default)]
pub(crate) struct Crowd {
    pub(crate) members: OnceLock<Arc<[LetterRef]>>,
    pub(crate) children: Vec<ChildRef>,
    /// Each timer that is set holds a clone, which counts it.
    pub(crate) timers: Arc<()>,
}

impl Crowd {
    pub(crate) fn of(children: Vec<ChildRef>) -> Crowd {
        Crowd { children, ..Crowd::default() }
    }
}

/// Returns the name that a member with an even number registers for itself. Others may register it under one of
/// [`NAMES`] if its number is odd.
pub(crate) fn name_of(number: usize) -> String {
    format!("member {number}")
}

/// The names for which several members compete.
pub(crate) const NAMES: [&str; 4] = ["red", "green", "blue", "grey"];

/// The number of neighbours of each member.
const NEIGHBOURS: usize = 4;

#[actor(protocol = Letter)]
pub(crate) struct Member {
    number: usize,
    /// The state of the random numbers.
    random: u64,
    crowd: Arc<Crowd>,
    totals: Arc<Totals>,
    /// The number of notes received from each sender.
    received: BTreeMap<usize, usize>,
    /// The number of notes sent to each neighbour.
    sent: [usize; NEIGHBOURS],
    /// The number of notes sent to all children.
    child_notes: usize,
    /// The neighbours that this member monitors.
    monitors: BTreeMap<MonitorRef, usize>,
    is_named: bool,
    /// The timers that have not expired, with their deadlines.
    timers: BTreeMap<usize, (Timer, Instant)>,
    timers_set: usize,
}

impl Process for Member {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.trap_exit(!self.number.is_multiple_of(4));
        receive!(match cx {
            Letter::Go => {}
        });
        for _ in 0..16 {
            self.act(cx).await;
            while let Some(letter) = receive!(match cx {
                letter => Some(letter),
                after!(Duration::ZERO) => None,
            }) {
                self.handle(letter);
            }
        }
        // Some members wait for all their timers; others end before them.
        while self.number % 4 == 1 && !self.timers.is_empty() {
            receive!(match cx {
                letter => self.handle(letter),
                after!(Duration::from_secs(60)) => {
                    self.totals.check(false, || format!("{} timers never expire", self.timers.len()));
                    break;
                }
            });
        }
        match self.random_below(8) {
            0..=3 => Ok(()),
            4 | 5 => Err(Exit::shutdown()),
            6 => Err(Exit::error("failed")),
            _ => panic!("crashed"),
        }
    }
}

impl Member {
    pub(crate) fn new(number: usize, seed: u64, crowd: Arc<Crowd>, totals: Arc<Totals>) -> Member {
        let random = (seed << 32 | number as u64) << 16;
        let (received, monitors, timers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let sent = [0; NEIGHBOURS];
        let (child_notes, is_named, timers_set) = (0, false, 0);
        Member { number, random, crowd, totals, received, sent, child_notes, monitors, is_named, timers, timers_set }
    }

    /// Performs one operation, usually on a neighbour.
    async fn act(&mut self, cx: &mut Context<Self>) {
        let at = self.random_below(NEIGHBOURS as u64) as usize;
        let Some(members) = self.crowd.members.get() else { return };
        let neighbour = (self.number + at + 1) % members.len();
        let other = members[neighbour].clone();
        match self.random_below(20) {
            0..=4 => {
                for _ in 0..=self.random_below(3) {
                    drop(other.note(self.number, self.sent[at]));
                    self.sent[at] += 1;
                }
            }
            5 | 6 => match other.count(self.number).within(Duration::from_millis(20)).await {
                Ok(received) => {
                    count(&self.totals.answers);
                    let sent = self.sent[at];
                    self.totals.check(received == sent, || format!("{received} of {sent} notes were received"));
                }
                Err(CallError { kind: CallErrorKind::Timeout, .. }) => count(&self.totals.timeouts),
                Err(CallError { kind: CallErrorKind::NoProc | CallErrorKind::Exit(_), .. }) => {}
                Err(error) => self.totals.check(false, || format!("a call failed: {error}")),
            },
            7 | 8 => cx.link(&other),
            9 => cx.unlink(&other),
            10 | 11 => {
                self.monitors.insert(cx.monitor(&other), neighbour);
            }
            12 => {
                if let Some((monitor, _)) = self.monitors.pop_first() {
                    cx.demonitor(monitor);
                }
            }
            13 if neighbour % 2 == 1 => drop(LetterRef::register(NAMES[self.random_below(4) as usize], &other)),
            13 | 14 if self.number.is_multiple_of(2) => self.register_own_name(cx),
            13 | 14 => {
                // A note by name, if the neighbour has one: the order of the notes is the same.
                match LetterRef::named(&name_of(neighbour)).note(self.number, self.sent[at]).await {
                    Ok(()) => {
                        count(&self.totals.by_name);
                        self.sent[at] += 1;
                    }
                    Err(error) => {
                        self.totals.check(error == CastError::NoProc, || format!("a cast by name failed: {error}"));
                    }
                }
            }
            15 => self.set_timer(cx),
            16 => self.cancel_timer(),
            17 | 18 => self.use_child().await,
            19 if self.random_below(8) == 0 => other.exit(Exit::error("stopped by a neighbour")),
            _ => tokio::task::yield_now().await,
        }
    }

    /// Registers the member's own name, which succeeds once.
    fn register_own_name(&mut self, cx: &mut Context<Self>) {
        let registered = LetterRef::register(&name_of(self.number), &cx.me());
        match &registered {
            Ok(()) => count(&self.totals.named),
            // This process has received an exit signal.
            Err(NameError::NoProc) => return,
            Err(_) => {}
        }
        self.totals.check(registered.is_ok() != self.is_named, || format!("registering an own name: {registered:?}"));
        self.is_named = true;
    }

    fn set_timer(&mut self, cx: &mut Context<Self>) {
        self.timers_set += 1;
        let (number, timer) = (self.timers_set, Arc::clone(&self.crowd.timers));
        let delay = Duration::from_millis(self.random_below(20));
        let deadline = Instant::now() + delay;
        self.timers.insert(number, (cx.send_after(delay, Letter::Tick { number, timer }), deadline));
    }

    fn cancel_timer(&mut self) {
        let Some((number, (timer, deadline))) = self.timers.pop_first() else { return };
        if timer.cancel() {
            count(&self.totals.cancelled);
        } else {
            // The timer has expired, and its message will arrive.
            self.timers.insert(number, (timer, deadline));
        }
    }

    /// Performs one operation on a child.
    async fn use_child(&mut self) {
        let at = self.random_below(self.crowd.children.len() as u64) as usize;
        let child = self.crowd.children[at].clone();
        match self.random_below(64) {
            0 => drop(child.crash()),
            1..=8 => match child.last_note(self.number).within(Duration::from_millis(20)).await {
                Ok(last) => {
                    let sent = self.child_notes;
                    self.totals.check(last <= Some(sent), || format!("a child received note {last:?} of {sent}"));
                }
                Err(CallError {
                    kind: CallErrorKind::Timeout | CallErrorKind::Exit(_) | CallErrorKind::Full, ..
                }) => {}
                Err(error) => self.totals.check(false, || format!("a call to a child failed: {error}")),
            },
            _ => {
                self.child_notes += 1;
                drop(child.note(self.number, self.child_notes, Token::new(&self.totals)));
            }
        }
    }

    fn handle(&mut self, letter: Letter) {
        match letter {
            Letter::Go => self.totals.check(false, || "a second `Go` arrived".to_owned()),
            Letter::Note { from, number } => {
                count(&self.totals.notes);
                let received = self.received.entry(from).or_default();
                self.totals
                    .check(*received == number, || format!("note {number} of {from} arrived after {received} others"));
                *received = number + 1;
            }
            Letter::Count { from, reply } => reply.send(self.received.get(&from).copied().unwrap_or_default()),
            Letter::Tick { number, timer } => {
                drop(timer);
                count(&self.totals.ticks);
                let deadline = self.timers.remove(&number).map(|(_, deadline)| deadline);
                self.totals.check(deadline.is_some_and(|deadline| deadline <= Instant::now()), || {
                    format!("a timer expired twice, after it was cancelled, or too early: {deadline:?}")
                });
            }
            Letter::Down(down) => {
                count(&self.totals.downs);
                let monitored = self.monitors.remove(&down.monitor);
                self.totals.check(monitored.is_some(), || format!("{down:?} of a removed monitor"));
                let named = monitored.and_then(|number| LetterRef::named(&name_of(number)).pid());
                self.totals.check(named.is_none(), || format!("{named:?} ended and still has its name"));
            }
            Letter::Exit(signal) => {
                count(&self.totals.exits);
                self.totals.check(signal.reason != Exit::Killed, || format!("unexpected kill of {}", signal.from));
            }
        }
    }

    /// Returns the next random number below `limit`, which depends on the seed only.
    fn random_below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(1);
        mix(self.random) % limit
    }
}
