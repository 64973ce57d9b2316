use greenroom::prelude::*;

#[supervisor]
struct Storage {}

#[supervisor]
struct Tree {
    #[child(start = Storage {})]
    storage: Storage,
}

fn main() {}
