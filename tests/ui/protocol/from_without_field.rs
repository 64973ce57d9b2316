use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post(String),
    #[from]
    Down,
}

fn main() {}
