//! The time of a selective receive behind messages that it does not take.
//!
//! `cargo bench -p greenroom-tests --bench receive`
//!
//! A process sends itself a message and receives it, a thousand times, while other messages wait in its save queue. They
//! are first of a variant that no arm names, and then of the wanted variant with a guard that fails. The program prints
//! the median and the spread of eleven rounds. The ratio to an empty queue in the same run is the result.

use std::time::Instant;

use greenroom::prelude::*;

#[protocol(local)]
enum Letter {
    Junk,
    Wanted { n: u64 },
    Run { same: bool, reply: Reply<f64> },
}

#[actor(protocol = Letter)]
struct Reader;

const WANTED: u64 = 1_000;

impl Process for Reader {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            let (same, reply) = receive!(match cx {
                Letter::Run { same, reply } => (same, reply),
            });
            let me = cx.me();
            let begin = Instant::now();
            let mut sum = 0;
            for n in 0..WANTED {
                // With `same`, the guard tests and refuses each saved message before it reaches this one.
                me.wanted(n);
                if same {
                    sum += receive!(match cx {
                        Letter::Wanted { n } if n < WANTED => n,
                    });
                } else {
                    sum += receive!(match cx {
                        Letter::Wanted { n } => n,
                    });
                }
            }
            assert_eq!(sum, WANTED * (WANTED - 1) / 2);
            reply.send(begin.elapsed().as_nanos() as f64 / WANTED as f64);
        }
    }
}

async fn median(saved: u64, same: bool) -> Result<(f64, f64, f64), CallError> {
    let reader = Reader.spawn();
    for n in 0..saved {
        if same {
            reader.wanted(WANTED + n);
        } else {
            reader.junk();
        }
    }
    // The first round moves the waiting messages into the save queue.
    reader.run(same).forever().await?;
    let mut rounds = Vec::new();
    for _ in 0..11 {
        rounds.push(reader.run(same).forever().await?);
    }
    rounds.sort_by(f64::total_cmp);
    reader.exit(Exit::kill());
    Ok((rounds[5], rounds[0], rounds[10]))
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let empty = median(0, false).await?.0;
    println!("saved, of another variant    ns per receive (min, max)    ratio to none");
    for saved in [0, 1_000, 10_000, 100_000] {
        let (ns, min, max) = median(saved, false).await?;
        println!("{saved:>25} {ns:>17.0} ({min:.0}, {max:.0}) {:>16.2}", ns / empty);
    }
    println!("saved, of the same variant   ns per receive (min, max)    ns per saved message");
    for saved in [1_000, 10_000] {
        let (ns, min, max) = median(saved, true).await?;
        println!("{saved:>25} {ns:>17.0} ({min:.0}, {max:.0}) {:>16.2}", (ns - empty) / saved as f64);
    }
    Ok(())
}
