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
    #[child(on = "a@one", on = "b@two")]
    render: Render,
}

fn main() {}
