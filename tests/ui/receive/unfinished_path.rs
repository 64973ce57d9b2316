//! A path that is not finished, as in an editor: rustc lists the variants.

use greenroom::prelude::*;
use greenroom::{protocol, receive};

#[protocol]
enum Mail {
    Post { body: String },
    Stop,
}

async fn sorter(mut mailbox: Mailbox<Mail>) {
    loop {
        receive!(match mailbox {
            Mail::Post { body } => {
                println!("{}", body.len());
                drop(body);
            }
            Mail::
        });
    }
}

fn main() {
    greenroom::spawn(sorter);
}
