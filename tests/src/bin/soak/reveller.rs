//! One of the crowd.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use greenroom::{NameError, Timer, prelude::*};

use super::nursery::{KidRef, Token};
use super::{Tally, count, mix};

/// What they say to each other.
#[protocol(local)]
#[derive(Debug)]
pub(crate) enum Word {
    /// Everybody is here.
    Go,
    /// The `number`th of this sender's to this receiver.
    Note { from: usize, number: usize },
    /// How many notes of this sender have arrived?
    Ask { from: usize, reply: Reply<usize> },
    /// The timer of this number goes off. It is over when this is dropped.
    Tick { number: usize, timer: Arc<()> },
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

/// Those who live at the same time.
#[derive(Default)]
pub(crate) struct Crowd {
    pub(crate) everybody: OnceLock<Arc<[WordRef]>>,
    pub(crate) kids: Vec<KidRef>,
    /// Each timer that is not over has one.
    pub(crate) timers: Arc<()>,
}

impl Crowd {
    pub(crate) fn of(kids: Vec<KidRef>) -> Crowd {
        Crowd { kids, ..Crowd::default() }
    }
}

/// What the one with this number is called, if it is even and has said so. The others may get one of [`NAMES`].
pub(crate) fn name_of(number: usize) -> String {
    format!("reveller {number}")
}

/// Names that are fought over.
pub(crate) const NAMES: [&str; 4] = ["red", "green", "blue", "grey"];

/// How many each has to do with.
const NEIGHBOURS: usize = 4;

#[actor(protocol = Word)]
pub(crate) struct Reveller {
    number: usize,
    dice: u64,
    crowd: Arc<Crowd>,
    tally: Arc<Tally>,
    /// How many notes came from whom.
    heard: BTreeMap<usize, usize>,
    /// How many notes went to which neighbour.
    told: [usize; NEIGHBOURS],
    /// How many words went to children, together.
    words: usize,
    /// Which neighbours it watches.
    watches: BTreeMap<MonitorRef, usize>,
    is_named: bool,
    /// Those that have not gone off, and when they may.
    timers: BTreeMap<usize, (Timer, Instant)>,
    timers_set: usize,
}

impl Process for Reveller {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.trap_exit(!self.number.is_multiple_of(4));
        receive!(match cx {
            Word::Go => {}
        });
        for _ in 0..16 {
            self.act(cx).await;
            while let Some(word) = receive!(match cx {
                word => Some(word),
                after!(Duration::ZERO) => None,
            }) {
                self.hear(word);
            }
        }
        // Some wait for all their timers, others leave them behind.
        while self.number % 4 == 1 && !self.timers.is_empty() {
            receive!(match cx {
                word => self.hear(word),
                after!(Duration::from_secs(60)) => {
                    self.tally.must(false, || format!("{} timers never go off", self.timers.len()));
                    break;
                }
            });
        }
        match self.roll(8) {
            0..=3 => Ok(()),
            4 | 5 => Err(Exit::shutdown()),
            6 => Err(Exit::error("tired")),
            _ => panic!("too much"),
        }
    }
}

impl Reveller {
    pub(crate) fn new(number: usize, seed: u64, crowd: Arc<Crowd>, tally: Arc<Tally>) -> Reveller {
        let dice = (seed << 32 | number as u64) << 16;
        let (heard, watches, timers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let told = [0; NEIGHBOURS];
        let (words, is_named, timers_set) = (0, false, 0);
        Reveller { number, dice, crowd, tally, heard, told, words, watches, is_named, timers, timers_set }
    }

    /// Does one thing to a neighbour.
    async fn act(&mut self, cx: &mut Context<Self>) {
        let at = self.roll(NEIGHBOURS as u64) as usize;
        let Some(everybody) = self.crowd.everybody.get() else { return };
        let neighbour = (self.number + at + 1) % everybody.len();
        let other = everybody[neighbour].clone();
        match self.roll(20) {
            0..=4 => {
                for _ in 0..=self.roll(3) {
                    drop(other.note(self.number, self.told[at]));
                    self.told[at] += 1;
                }
            }
            5 | 6 => match other.ask(self.number).within(Duration::from_millis(20)).await {
                Ok(heard) => {
                    count(&self.tally.answers);
                    let told = self.told[at];
                    self.tally.must(heard == told, || format!("{heard} notes heard of {told}"));
                }
                Err(CallError::Timeout) => count(&self.tally.timeouts),
                Err(CallError::NoProc | CallError::Exit(_)) => {}
                Err(error) => self.tally.must(false, || format!("a call says: {error}")),
            },
            7 | 8 => cx.link(&other),
            9 => cx.unlink(&other),
            10 | 11 => {
                self.watches.insert(cx.monitor(&other), neighbour);
            }
            12 => {
                if let Some((watch, _)) = self.watches.pop_first() {
                    cx.demonitor(watch);
                }
            }
            13 if neighbour % 2 == 1 => drop(WordRef::register(NAMES[self.roll(4) as usize], &other)),
            13 | 14 if self.number.is_multiple_of(2) => self.take_name(cx),
            13 | 14 => {
                // By its name, if it has one: one of the notes, in the same order.
                match WordRef::named(&name_of(neighbour)).note(self.number, self.told[at]).await {
                    Ok(()) => {
                        count(&self.tally.by_name);
                        self.told[at] += 1;
                    }
                    Err(error) => self.tally.must(error == CastError::NoProc, || format!("a name says: {error}")),
                }
            }
            15 => self.set_timer(cx),
            16 => self.cancel_timer(),
            17 | 18 => self.nurse().await,
            19 if self.roll(8) == 0 => other.exit(Exit::error("enough")),
            _ => tokio::task::yield_now().await,
        }
    }

    /// Takes the name that is its own: that succeeds once.
    fn take_name(&mut self, cx: &mut Context<Self>) {
        let taken = WordRef::register(&name_of(self.number), &cx.me());
        match &taken {
            Ok(()) => count(&self.tally.named),
            // Somebody has decided about its end.
            Err(NameError::NoProc) => return,
            Err(_) => {}
        }
        self.tally.must(taken.is_ok() != self.is_named, || format!("a name of one's own: {taken:?}"));
        self.is_named = true;
    }

    fn set_timer(&mut self, cx: &mut Context<Self>) {
        self.timers_set += 1;
        let (number, timer) = (self.timers_set, Arc::clone(&self.crowd.timers));
        let delay = Duration::from_millis(self.roll(20));
        let due = Instant::now() + delay;
        self.timers.insert(number, (cx.send_after(delay, Word::Tick { number, timer }), due));
    }

    fn cancel_timer(&mut self) {
        let Some((number, (timer, due))) = self.timers.pop_first() else { return };
        if timer.cancel() {
            count(&self.tally.cancelled);
        } else {
            // It has gone off, and what it says is on its way.
            self.timers.insert(number, (timer, due));
        }
    }

    /// Does one thing to a child.
    async fn nurse(&mut self) {
        let which = self.roll(self.crowd.kids.len() as u64) as usize;
        let kid = self.crowd.kids[which].clone();
        match self.roll(64) {
            0 => drop(kid.crash()),
            1..=8 => match kid.heard(self.number).within(Duration::from_millis(20)).await {
                Ok(heard) => {
                    let words = self.words;
                    self.tally.must(heard <= Some(words), || format!("{heard:?} was heard of {words}"));
                }
                Err(CallError::Timeout | CallError::Exit(_) | CallError::Full) => {}
                Err(error) => self.tally.must(false, || format!("a child says: {error}")),
            },
            _ => {
                self.words += 1;
                drop(kid.tell(self.number, self.words, Token::new(&self.tally)));
            }
        }
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Go => self.tally.must(false, || "a second start".to_owned()),
            Word::Note { from, number } => {
                count(&self.tally.notes);
                let heard = self.heard.entry(from).or_default();
                self.tally.must(*heard == number, || format!("{number} of {from} came after {heard} others"));
                *heard = number + 1;
            }
            Word::Ask { from, reply } => reply.send(self.heard.get(&from).copied().unwrap_or_default()),
            Word::Tick { number, timer } => {
                drop(timer);
                count(&self.tally.ticks);
                let due = self.timers.remove(&number).map(|(_, due)| due);
                self.tally.must(due.is_some_and(|due| due <= Instant::now()), || {
                    format!("a timer that was cancelled or has gone off, or before its time: {due:?}")
                });
            }
            Word::Down(down) => {
                count(&self.tally.downs);
                let whom = self.watches.remove(&down.monitor);
                self.tally.must(whom.is_some(), || format!("{down:?} of no watch"));
                let named = whom.and_then(|whom| WordRef::named(&name_of(whom)).pid());
                self.tally.must(named.is_none(), || format!("{named:?} has its name still"));
            }
            Word::Exit(signal) => {
                count(&self.tally.exits);
                self.tally.must(signal.reason != Exit::Killed, || format!("{} was killed by nobody", signal.from));
            }
        }
    }

    /// A number below `sides`, the same ones each time.
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_add(1);
        mix(self.dice) % sides
    }
}
