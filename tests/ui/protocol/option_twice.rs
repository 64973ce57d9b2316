use greenroom::prelude::*;

#[protocol(local, local)]
enum Mail {
    Post { body: String },
}

fn main() {}
