#![deny(unreachable_patterns)]

use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    receive!(match mailbox {
        message => drop(message),
        Mail::Tick => {}
    });
    receive!(match mailbox {
        Mail::Post { body, .. } => drop(body),
        Mail::Post { priority, body } if priority > 7 => drop(body),
        after!(Duration::ZERO) => {}
    });
    // All arms are reachable.
    receive!(match mailbox {
        Mail::Post { priority, body } if priority > 7 => drop(body),
        Mail::Post { body, .. } => drop(body),
        message => drop(message),
    });
}

fn main() {}
