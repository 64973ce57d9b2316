//! Urgent letters first: selective receive takes what matters now and leaves the rest in the mailbox.
//!
//! Four letters arrive with the priorities 15, 7, 1 and 17, and nobody reads them until someone collects.
//! Whatever is above 10 comes out first, then the others, each in the order of arrival:
//! `high high low low`. The program is the classic of the Erlang books.

use greenroom::prelude::*;

/// What a mail sorter understands.
#[protocol]
enum Mail {
    /// Leaves one letter.
    Post { priority: u8, body: String },
    /// Takes every waiting letter, urgent ones first.
    Collect { reply: Reply<Vec<String>> },
}

/// Hands out urgent letters first.
#[actor(protocol = Mail)]
struct Sorter {
    urgent: u8,
}

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            let reply = receive!(match cx {
                Mail::Collect { reply } => reply,
            });
            let mut letters = Vec::new();
            loop {
                receive!(match cx {
                    Mail::Post { priority, body } if priority > self.urgent => letters.push(body),
                    after!(Duration::ZERO) => break,
                });
            }
            loop {
                receive!(match cx {
                    Mail::Post { body, .. } => letters.push(body),
                    after!(Duration::ZERO) => break,
                });
            }
            reply.send(letters);
        }
    }
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let sorter = Sorter { urgent: 10 }.spawn();
    for (priority, body) in [(15, "high"), (7, "low"), (1, "low"), (17, "high")] {
        sorter.post(priority, body.into());
    }
    println!("{}", sorter.collect().await?.join(" "));
    Ok(())
}
