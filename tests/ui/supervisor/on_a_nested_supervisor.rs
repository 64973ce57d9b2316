use greenroom::prelude::*;

#[actor]
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
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
    #[child(supervisor, on = "a@one")]
    desk: Desk,
}

#[supervisor]
#[derive(Default)]
struct Desk {
    #[child]
    render: Render,
}

fn main() {}
