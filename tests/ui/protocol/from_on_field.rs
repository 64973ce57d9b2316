use greenroom::prelude::*;

#[protocol]
enum Mail {
    Down(#[from] Down),
}

fn main() {}
