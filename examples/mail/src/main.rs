//! A mail sorter that returns urgent letters first, with a selective receive.
//!
//! Four letters arrive with the priorities 15, 7, 1 and 17, and stay in the mailbox until they are collected. Letters
//! with a priority above 10 are returned first, then the others, each in the order of arrival: `high high low low`.
//! This is a well-known example of books on Erlang.

use greenroom::prelude::*;

/// The messages to a mail sorter.
#[protocol]
enum Mail {
    /// Adds a letter.
    Post { priority: u8, body: String },
    /// Returns every waiting letter, urgent ones first.
    Collect { reply: Reply<Vec<String>> },
}

/// A mail sorter; letters with a priority above `urgent` come first.
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
