#[greenroom::test(clock = real, clock = paused)]
async fn counts() {}

fn main() {}
