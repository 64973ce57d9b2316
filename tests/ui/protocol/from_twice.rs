use greenroom::prelude::*;

#[protocol]
enum Mail {
    #[from]
    #[from]
    Down(Down),
}

fn main() {}
