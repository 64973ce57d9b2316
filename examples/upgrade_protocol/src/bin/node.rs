//! A node of the cluster, in the release that it was built for. The program `upgrade` starts it.
//!
//! The variables `GREENROOM_*` configure the node, and the arguments are the names of all nodes. It prints a
//! [`Line`] at a time, and stops in order at SIGTERM: first the load, then the desk.

use std::io::{self, Write};
use std::sync::Arc;

use greenroom::prelude::*;
use upgrade_protocol::release::Shop;
use upgrade_protocol::report::Line;

#[greenroom::main]
async fn main() -> greenroom::Result {
    let nodes = std::env::args().skip(1).collect();
    let shop = Shop { nodes, print: Arc::new(print) };
    // The shop ends if the load cannot print, since the reader of the lines has ended.
    Err(shop.start().await?.ended().await)
}

fn print(line: Line) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
