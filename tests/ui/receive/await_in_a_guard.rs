use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    receive!(match mailbox {
        Mail::Post { body, .. } if wanted(&body).await => drop(body),
    });
}

async fn wanted(body: &str) -> bool {
    !body.is_empty()
}

fn main() {}
