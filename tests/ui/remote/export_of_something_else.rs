use greenroom::prelude::*;

struct Render;

#[remote]
fn disk_free() -> u64 {
    0
}

fn main() {
    let _ = Node::builder("pong@gollum").export::<Render>().export::<disk_free::Remote>();
}
