use greenroom::prelude::*;

#[protocol]
enum Mail {
    Tick,
    Down(Down),
}

fn main() {}
