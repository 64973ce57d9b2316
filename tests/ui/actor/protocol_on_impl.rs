use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

struct Sorter;

#[actor(protocol = Mail)]
impl Sorter {}

fn main() {}
