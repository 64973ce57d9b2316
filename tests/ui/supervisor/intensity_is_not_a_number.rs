use greenroom::prelude::*;

#[supervisor(intensity = "3")]
struct Tree {}

fn main() {}
