use greenroom::prelude::*;

#[actor]
#[derive(Default)]
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
    #[child(on = "a@one")]
    render: Render,
}

fn main() {}
