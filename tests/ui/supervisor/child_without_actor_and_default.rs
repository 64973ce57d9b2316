use greenroom::prelude::*;

struct Log;

#[supervisor]
struct Tree {
    #[child]
    log: Log,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    Tree {}.start().await?;
    Ok(())
}
