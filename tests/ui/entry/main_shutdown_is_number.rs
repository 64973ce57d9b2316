#[greenroom::main(shutdown = 10)]
async fn main() {}
