#[greenroom::test(clock)]
async fn counts() {}

fn main() {}
