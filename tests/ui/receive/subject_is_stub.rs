use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mail: MailRef) -> String {
    receive!(match mail {
        Mail::Post { body, .. } => body,
    })
}

fn main() {}
