use greenroom::prelude::*;

#[protocol]
enum Mail {
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    receive!(match mailbox {
        Mail::Tick => 7
        after!(Duration::ZERO) => 8,
    });
}

fn main() {}
