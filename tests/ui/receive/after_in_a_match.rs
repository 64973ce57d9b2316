use greenroom::prelude::*;

async fn read(mailbox: Mailbox<Mail>) {
    match 7 {
        7 => drop(mailbox),
        after!(Duration::ZERO) => {}
    }
}

#[protocol]
enum Mail {
    Tick,
}

fn main() {}
