//! One of the crowd.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use greenroom::prelude::*;

use super::Tally;

/// What they say to each other.
#[protocol]
#[derive(Debug)]
pub(crate) enum Word {
    /// Everybody is here.
    Go,
    /// The `number`th of this sender's to this receiver.
    Note { from: usize, number: usize },
    /// How many notes of this sender have arrived?
    Ask { from: usize, reply: Reply<usize> },
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

/// Those who live at the same time.
#[derive(Default)]
pub(crate) struct Crowd {
    pub(crate) everybody: OnceLock<Arc<[WordRef]>>,
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
    watches: BTreeSet<MonitorRef>,
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
        let dice = seed << 32 | number as u64;
        let (heard, told, watches) = (BTreeMap::new(), [0; NEIGHBOURS], BTreeSet::new());
        Reveller { number, dice, crowd, tally, heard, told, watches }
    }

    /// Does one thing to a neighbour.
    async fn act(&mut self, cx: &mut Context<Self>) {
        let at = self.roll(NEIGHBOURS as u64) as usize;
        let Some(everybody) = self.crowd.everybody.get() else { return };
        let other = everybody[(self.number + at + 1) % everybody.len()].clone();
        match self.roll(16) {
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
                self.watches.insert(cx.monitor(&other));
            }
            12 => {
                if let Some(watch) = self.watches.pop_first() {
                    cx.demonitor(watch);
                }
            }
            13 => drop(WordRef::register(NAMES[self.roll(4) as usize], &other)),
            14 if self.roll(8) == 0 => other.exit(Exit::error("enough")),
            _ => tokio::task::yield_now().await,
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
            Word::Down(down) => {
                count(&self.tally.downs);
                self.tally.must(self.watches.remove(&down.monitor), || format!("{down:?} of no watch"));
            }
            Word::Exit(signal) => {
                count(&self.tally.exits);
                self.tally.must(signal.reason != Exit::Killed, || format!("{} was killed by nobody", signal.from));
            }
        }
    }

    /// A number below `sides`, the same ones each time: splitmix64.
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}
