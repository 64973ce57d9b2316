use greenroom::prelude::*;

#[protocol]
enum Mail {
    #[from]
    Down(Down),
    #[from]
    Ended(Down),
}

fn main() {}
