use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
    #[from]
    #[private]
    Down(Down),
}

fn main() {}
