#[greenroom::main(node = "shop@warehouse")]
async fn main() {}
