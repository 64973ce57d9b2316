#[greenroom::main(shutdown)]
async fn main() {}
