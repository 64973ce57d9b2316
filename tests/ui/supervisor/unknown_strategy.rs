use greenroom::prelude::*;

#[supervisor(strategy = one_for_two)]
struct Tree {}

fn main() {}
