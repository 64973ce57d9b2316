use greenroom::prelude::*;

enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail)]
struct Sorter;

fn main() {}
