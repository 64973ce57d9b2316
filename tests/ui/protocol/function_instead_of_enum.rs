use greenroom::prelude::*;

#[protocol]
fn mail() {}

fn main() {}
