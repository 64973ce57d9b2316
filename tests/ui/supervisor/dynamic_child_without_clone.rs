use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Log;

#[actor]
impl Log {
    #[cast]
    fn line(&mut self, text: String) {
        drop(text);
    }
}

#[supervisor]
struct Tree {
    #[child(dynamic, restart = transient)]
    logs: Log,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let tree = Tree {}.start().await?;
    tree.logs().start_child(Log).await?;
    Ok(())
}
