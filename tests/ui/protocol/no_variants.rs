use greenroom::prelude::*;

#[protocol]
enum Mail {}

fn main() {}
