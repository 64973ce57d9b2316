use greenroom::prelude::*;
use std::sync::mpsc::Sender;

#[actor]
struct Render;

#[actor]
impl Render {
    #[init]
    fn open(_file: Sender<u8>) -> Render {
        Render
    }

    #[call]
    fn frame(&self) -> u64 {
        0
    }
}

#[supervisor]
struct Farm {
    #[child(start = Render::open(std::sync::mpsc::channel().0), on = "a@one")]
    render: Render,
}

fn main() {}
