use greenroom::prelude::*;

#[protocol]
enum Mail {
    #[priority(high)]
    Post { body: String },
}

fn main() {}
