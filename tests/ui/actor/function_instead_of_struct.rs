use greenroom::prelude::*;

#[actor]
fn sorter() {}

fn main() {}
