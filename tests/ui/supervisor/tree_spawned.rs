use greenroom::prelude::*;

#[supervisor]
struct Tree {}

fn start() {
    Tree {}.spawn();
}

fn main() {}
