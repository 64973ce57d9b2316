use greenroom::prelude::*;

#[supervisor(period = "5 parsecs")]
struct Tree {}

fn main() {}
