//! A conversation while other messages wait: the reader sends a request to a partner and receives only the answer.

use std::time::{Duration, Instant};

use bench::{Figure, Size, size};
use greenroom::prelude::*;

#[protocol]
enum Letter {
    Junk { n: u64 },
    Answer { n: u64 },
    Talk { rounds: u64, guarded: bool, reply: Reply<(u64, Duration)> },
}

/// The process that sends requests and receives their answers.
#[actor(protocol = Letter)]
struct Reader {
    partner: PartnerRef,
}

impl Process for Reader {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            let (rounds, guarded, reply) = receive!(match cx {
                Letter::Talk { rounds, guarded, reply } => (rounds, guarded, reply),
            });
            let (begin, mut answers) = (Instant::now(), 0);
            for round in 0..rounds {
                self.partner.say(round, cx.me());
                answers += if guarded {
                    receive!(match cx {
                        Letter::Answer { n } if n == round => 1,
                    })
                } else {
                    receive!(match cx {
                        Letter::Answer { .. } => 1,
                    })
                };
            }
            reply.send((answers, begin.elapsed()));
        }
    }
}

/// A server that answers.
#[actor]
struct Partner;

#[actor]
impl Partner {
    #[cast]
    fn say(&self, n: u64, from: LetterRef) {
        from.answer(n);
    }
}

/// The waiting messages are of a variant that the reader does not want.
pub async fn unwanted(size: Size) -> Vec<Figure> {
    converse("selrecv", &size::JUNK, size, false).await
}

/// The waiting messages are of the wanted variant, and the guard refuses them.
pub async fn failing_guard(size: Size) -> Vec<Figure> {
    converse("selrecv_guard", &size::JUNK, size, true).await
}

/// Measures with each number of waiting messages.
pub async fn converse(name: &str, waiting: &[u64], size: Size, guarded: bool) -> Vec<Figure> {
    let mut figures = Vec::new();
    for &junk in waiting {
        let reader = Reader { partner: Partner.spawn() }.spawn();
        for n in 0..junk {
            if guarded {
                reader.answer(u64::MAX - n);
            } else {
                reader.junk(n);
            }
        }
        // The first round tests all waiting messages once.
        reader.talk(1, guarded).forever().await.expect("the reader is running");
        let rounds = size.rounds(junk);
        let (answers, elapsed) = reader.talk(rounds, guarded).forever().await.expect("the reader is running");
        figures.push(Figure::nanos(format!("{name}/{junk}"), rounds, elapsed, answers));
    }
    figures
}
