#[greenroom::test(clock = real paused)]
async fn counts() {}

fn main() {}
