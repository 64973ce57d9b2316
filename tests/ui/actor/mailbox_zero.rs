use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail, mailbox = 0)]
struct Sorter;

fn main() {}
