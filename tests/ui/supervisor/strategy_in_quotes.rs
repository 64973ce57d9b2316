use greenroom::prelude::*;

#[supervisor(strategy = "one_for_all")]
struct Tree {}

fn main() {}
