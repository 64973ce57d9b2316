use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protcol = Mail)]
struct Sorter;

fn main() {}
