use greenroom::prelude::*;

#[protocol]
struct Mail {
    body: String,
}

fn main() {}
