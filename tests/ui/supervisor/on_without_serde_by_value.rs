use greenroom::prelude::*;

#[actor]
struct Render;

#[actor]
impl Render {
    #[call]
    fn frame(&self) -> u64 {
        0
    }
}

#[supervisor]
struct Farm {
    #[child(start = Render, on = "a@one")]
    render: Render,
}

fn main() {}
