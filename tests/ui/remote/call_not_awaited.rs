#![deny(unused_must_use)]

use greenroom::prelude::*;

#[remote]
fn disk_free() -> u64 {
    0
}

fn main() {
    disk_free::on("pong@gollum");
}
