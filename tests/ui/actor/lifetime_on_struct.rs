use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail)]
struct Sorter<'a> {
    letters: &'a [String],
}

fn main() {}
