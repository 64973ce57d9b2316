use greenroom::prelude::*;

#[actor]
#[derive(Clone)]
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
    #[child(dynamic, on = "a@one")]
    renders: Render,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let farm = Farm {}.start().await?;
    farm.renders().start_child(Render).await?;
    Ok(())
}
