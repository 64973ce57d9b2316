#[greenroom::test(shutdown = "30s")]
async fn counts() {}

fn main() {}
