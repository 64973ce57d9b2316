use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail, mailbox = 1024, overflow = drop)]
struct Sorter;

fn main() {}
