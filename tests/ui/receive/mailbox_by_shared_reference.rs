use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mailbox: &Mailbox<Mail>) -> String {
    receive!(match mailbox {
        Mail::Post { body, .. } => body,
    })
}

fn main() {}
