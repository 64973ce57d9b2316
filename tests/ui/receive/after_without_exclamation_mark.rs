use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    receive!(match mailbox {
        Mail::Tick => {}
        after(Duration::from_secs(1)) => {}
    });
}

fn main() {}
