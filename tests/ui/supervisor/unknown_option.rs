use greenroom::prelude::*;

#[supervisor(max_restarts = 3)]
struct Tree {}

fn main() {}
