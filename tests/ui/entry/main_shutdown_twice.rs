#[greenroom::main(shutdown = "30s", shutdown = kill)]
async fn main() {}
