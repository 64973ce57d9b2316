use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    receive!(match mailbox {
        after!(Duration::ZERO) => {}
        Mail::Tick => {}
    });
}

fn main() {}
