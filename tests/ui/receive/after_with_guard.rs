use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    let wait = true;
    receive!(match mailbox {
        Mail::Tick => {}
        after!(Duration::ZERO) if !wait => {}
    });
}

fn main() {}
