use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail, name = sorter)]
struct Sorter;

fn main() {}
