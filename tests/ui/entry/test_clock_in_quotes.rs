#[greenroom::test(clock = "real")]
async fn counts() {}

fn main() {}
