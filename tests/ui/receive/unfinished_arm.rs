//! A body that is not finished, as in an editor. rustc reports it as it would outside of the macro.

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
                body.
            }
            Mail::Stop => break,
        });
    }
}

fn main() {
    greenroom::spawn(sorter);
}
