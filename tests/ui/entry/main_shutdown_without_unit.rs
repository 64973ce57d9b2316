#[greenroom::main(shutdown = "30")]
async fn main() {}
