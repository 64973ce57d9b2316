#[greenroom::main(shutdown = never)]
async fn main() {}
