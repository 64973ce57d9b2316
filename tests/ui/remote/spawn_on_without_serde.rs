use greenroom::prelude::*;

#[actor]
struct Render;

#[actor]
impl Render {
    #[cast]
    fn run(&mut self) {}
}

async fn start() {
    let _ = Render.spawn_on("pong@gollum").await;
}

fn main() {
    drop(start());
}
