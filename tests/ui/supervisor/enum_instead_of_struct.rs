use greenroom::prelude::*;

#[supervisor]
enum Tree {
    Log,
}

fn main() {}
