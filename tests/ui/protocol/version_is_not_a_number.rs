use greenroom::prelude::*;

#[protocol(version = "2")]
enum Mail {
    Post { body: String },
}

fn main() {}
