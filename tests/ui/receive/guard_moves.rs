use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    receive!(match mailbox {
        Mail::Post { body, .. } if consume(body) => {}
    });
}

fn consume(body: String) -> bool {
    body.is_empty()
}

fn main() {}
