#[greenroom::main(shutdown = "30 parsecs")]
async fn main() {}
