use greenroom::prelude::*;

#[supervisor(period = "0s")]
struct Tree {}

fn main() {}
