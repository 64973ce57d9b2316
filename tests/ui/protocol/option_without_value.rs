use greenroom::prelude::*;

#[protocol(version)]
enum Mail {
    Post { body: String },
}

fn main() {}
