use greenroom::prelude::*;

#[supervisor]
struct Tree {
    path: std::cell::RefCell<String>,
}

fn main() {}
