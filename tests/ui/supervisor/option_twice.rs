use greenroom::prelude::*;

#[supervisor(intensity = 3, intensity = 4)]
struct Tree {}

fn main() {}
