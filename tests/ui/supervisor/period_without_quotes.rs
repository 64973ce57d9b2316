use greenroom::prelude::*;

#[supervisor(period = 5)]
struct Tree {}

fn main() {}
