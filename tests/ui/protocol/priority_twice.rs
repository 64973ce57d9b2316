use greenroom::prelude::*;

#[protocol]
enum Mail {
    #[priority]
    #[priority]
    Post { body: String },
}

fn main() {}
