use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post = 7,
}

fn main() {}
