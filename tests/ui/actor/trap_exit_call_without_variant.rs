use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

fn trap(cx: &Context<Sorter>) {
    cx.trap_exit(true);
}

#[actor(protocol = Mail)]
struct Sorter;

fn main() {}
