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
    #[child(dynamic, on = least_loaded())]
    renders: Render,
}

async fn least_loaded() -> NodeName {
    NodeName::new("a@one").unwrap()
}

fn main() {}
