use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    receive!(match new(mailbox) {
        Mail::Tick => {}
    });
}

fn new(mailbox: Mailbox<Mail>) -> Mailbox<Mail> {
    mailbox
}

fn main() {}
