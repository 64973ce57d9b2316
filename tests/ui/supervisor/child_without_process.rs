use greenroom::prelude::*;

#[supervisor]
struct Tree {
    #[child]
    log: Log,
}

#[protocol]
enum Line {
    Write(String),
}

#[actor(protocol = Line)]
#[derive(Default)]
struct Log;

fn main() {}
