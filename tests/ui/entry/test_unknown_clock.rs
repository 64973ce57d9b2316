#[greenroom::test(clock = broken)]
async fn counts() {}

fn main() {}
