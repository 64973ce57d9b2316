//! A conversation while other messages wait: the reader sends a request to a partner and selects only the answer.

use std::time::Instant;

use bench::{Figure, Size, size};
use hydra::{Message, Pid, Process};
use serde::{Deserialize, Serialize};

use crate::receive;

#[derive(Serialize, Deserialize)]
enum Letter {
    Junk(u64),
    Answer(u64),
}

/// Sends a request and receives the answer, as often as `rounds`. Returns the number of answers.
async fn talk(partner: Pid, rounds: u64, guarded: bool) -> u64 {
    let (me, mut answers) = (Process::current(), 0);
    for round in 0..rounds {
        Process::send(partner, (round, me));
        let wanted = |message: &Message<&Letter>| match message {
            Message::User(Letter::Answer(n)) => !guarded || *n == round,
            _ => false,
        };
        Process::receiver().for_message::<Letter>().select(wanted).await;
        answers += 1;
    }
    answers
}

/// The waiting messages are of a variant that the reader does not want.
pub async fn unwanted(size: Size) -> Vec<Figure> {
    converse("selrecv", size, false).await
}

/// The waiting messages are of the wanted variant, but they answer no request of the reader.
pub async fn failing_guard(size: Size) -> Vec<Figure> {
    converse("selrecv_guard", size, true).await
}

async fn converse(name: &str, size: Size, guarded: bool) -> Vec<Figure> {
    let mut figures = Vec::new();
    for junk in size::JUNK {
        let rounds = size.rounds(junk);
        let me = Process::current();
        let partner = Process::spawn(async {
            loop {
                let (n, from) = receive::<(u64, Pid)>().await;
                Process::send(from, Letter::Answer(n));
            }
        });
        let reader = Process::spawn(async move {
            let begin = Process::receiver().for_message::<()>().select(|message| matches!(message, Message::User(())));
            begin.await;
            talk(partner, 1, guarded).await;
            let begin = Instant::now();
            let answers = talk(partner, rounds, guarded).await;
            Process::send(me, (begin.elapsed(), answers));
        });
        for n in 0..junk {
            Process::send(reader, if guarded { Letter::Answer(u64::MAX - n) } else { Letter::Junk(n) });
        }
        Process::send(reader, ());
        let (elapsed, answers) = receive().await;
        figures.push(Figure::nanos(format!("{name}/{junk}"), rounds, elapsed, answers));
    }
    figures
}
