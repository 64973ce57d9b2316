use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail, overflow = reject)]
struct Sorter;

fn main() {}
