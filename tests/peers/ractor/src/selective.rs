//! A conversation while other messages wait.
//!
//! Ractor has no selective receive. The reader therefore stashes the messages that it does not want, and searches the
//! stash before it waits, because the answer may be there.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bench::{Figure, Size, size};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, cast};

struct Reader;

enum Letter {
    Junk,
    Answer(u64),
    Talk { rounds: u64, guarded: bool, reply: RpcReplyPort<(u64, Duration)> },
}

struct ReaderState {
    partner: ActorRef<(u64, ActorRef<Letter>)>,
    stash: VecDeque<Letter>,
    talk: Option<Talk>,
}

struct Talk {
    round: u64,
    rounds: u64,
    guarded: bool,
    begin: Instant,
    reply: RpcReplyPort<(u64, Duration)>,
}

impl Talk {
    fn wants(&self, letter: &Letter) -> bool {
        matches!(letter, Letter::Answer(n) if !self.guarded || *n == self.round)
    }
}

impl ReaderState {
    /// Sends the next request, and searches the stash for its answer.
    fn say(&mut self, me: &ActorRef<Letter>) -> Result<(), ActorProcessingErr> {
        while let Some(mut talk) = self.talk.take() {
            if talk.round == talk.rounds {
                talk.reply.send((talk.round, talk.begin.elapsed()))?;
                break;
            }
            cast!(self.partner, (talk.round, me.clone()))?;
            match self.stash.iter().position(|letter| talk.wants(letter)) {
                Some(at) => {
                    self.stash.remove(at);
                    talk.round += 1;
                    self.talk = Some(talk);
                }
                None => {
                    self.talk = Some(talk);
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Actor for Reader {
    type Msg = Letter;
    type State = ReaderState;
    type Arguments = ActorRef<(u64, ActorRef<Letter>)>;

    async fn pre_start(
        &self,
        _: ActorRef<Letter>,
        partner: Self::Arguments,
    ) -> Result<ReaderState, ActorProcessingErr> {
        Ok(ReaderState { partner, stash: VecDeque::new(), talk: None })
    }

    async fn handle(
        &self,
        me: ActorRef<Letter>,
        letter: Letter,
        state: &mut ReaderState,
    ) -> Result<(), ActorProcessingErr> {
        match (letter, &mut state.talk) {
            (Letter::Talk { rounds, guarded, reply }, _) => {
                state.talk = Some(Talk { round: 0, rounds, guarded, begin: Instant::now(), reply });
                state.say(&me)?;
            }
            (letter, Some(talk)) if talk.wants(&letter) => {
                talk.round += 1;
                state.say(&me)?;
            }
            (letter, _) => state.stash.push_back(letter),
        }
        Ok(())
    }
}

/// A process that answers.
struct Partner;

impl Actor for Partner {
    type Msg = (u64, ActorRef<Letter>);
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        (n, from): Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        cast!(from, Letter::Answer(n))?;
        Ok(())
    }
}

/// The waiting messages are of a kind that the reader does not want.
pub async fn unwanted(size: Size) -> Vec<Figure> {
    converse("selrecv", size, false).await
}

/// The waiting messages are of the wanted kind, but they answer no request of the reader.
pub async fn failing_guard(size: Size) -> Vec<Figure> {
    converse("selrecv_guard", size, true).await
}

async fn converse(name: &str, size: Size, guarded: bool) -> Vec<Figure> {
    let mut figures = Vec::new();
    for junk in size::JUNK {
        let partner = crate::start(Partner, ()).await;
        let reader = crate::start(Reader, partner).await;
        for n in 0..junk {
            cast!(reader, if guarded { Letter::Answer(u64::MAX - n) } else { Letter::Junk })
                .expect("the reader is running");
        }
        let talk = |rounds| {
            let reader = reader.clone();
            async move {
                let talked = reader.call(|reply| Letter::Talk { rounds, guarded, reply }, None).await;
                talked.expect("the reader is running").expect("there is no timeout")
            }
        };
        talk(1).await;
        let rounds = size.rounds(junk);
        let (answers, elapsed) = talk(rounds).await;
        figures.push(Figure::nanos(format!("{name}/{junk}"), rounds, elapsed, answers));
    }
    figures
}
