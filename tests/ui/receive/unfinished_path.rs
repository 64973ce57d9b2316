//! A path that is not finished, as in an editor: rustc reports the missing name, also if the path is a variant.

use greenroom::prelude::*;
use greenroom::{protocol, receive};

#[protocol]
enum Mail {
    Post(String),
    Stop,
}

use Mail::Post;

async fn sorter(mut mailbox: Mailbox<Mail>) {
    loop {
        receive!(match mailbox {
            Mail::Post(body) => {
                println!("{}", body.len());
                drop(body);
            }
            Post::
        });
    }
}

fn main() {
    greenroom::spawn(sorter);
}
