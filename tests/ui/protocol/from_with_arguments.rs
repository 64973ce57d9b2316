use greenroom::prelude::*;

#[protocol]
enum Mail {
    #[from(Down)]
    Down(Down),
}

fn main() {}
