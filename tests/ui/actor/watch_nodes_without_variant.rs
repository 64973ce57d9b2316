use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

fn hear(cx: &Context<Sorter>) {
    cx.watch_nodes(true);
}

#[actor(protocol = Mail)]
struct Sorter;

fn main() {}
