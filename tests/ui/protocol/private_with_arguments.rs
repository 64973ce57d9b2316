use greenroom::prelude::*;

#[protocol]
enum Mail {
    #[private(node)]
    Post { body: String },
}

fn main() {}
