use greenroom::prelude::*;

#[supervisor]
struct Tree<'a> {
    path: &'a str,
}

fn stop(_tree: &TreeRef) {}

fn main() {}
