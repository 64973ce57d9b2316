use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail, mailbox = unbounded)]
struct Sorter;

fn main() {}
