use greenroom::prelude::*;

#[protocol(local = true)]
enum Mail {
    Post { body: String },
}

fn main() {}
