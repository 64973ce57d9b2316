use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail)]
struct Sorter;

fn start() {
    let sorter = Sorter.spawn();
    sorter.post("hello".into());
}

fn main() {}
