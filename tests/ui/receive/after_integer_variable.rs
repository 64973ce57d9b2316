use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>, seconds: u64) {
    receive!(match mailbox {
        Mail::Tick => {}
        after!(seconds) => {}
    });
}

fn main() {}
