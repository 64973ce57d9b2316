use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    let _: u8 = receive!(match mailbox {
        Mail::Post { priority, .. } => priority,
        Mail::Tick => "none",
    });
}

fn main() {}
