use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(mut mailbox: Mailbox<Mail>) {
    loop {
        receive!(match mailbox {
            Mail::Post { priority, .. } if priority > 7 || break => {}
        });
    }
}

fn main() {}
