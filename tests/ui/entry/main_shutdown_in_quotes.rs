#[greenroom::main(shutdown = "forever")]
async fn main() {}
