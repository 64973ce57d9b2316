#[greenroom::main(clock = real)]
async fn main() {}
