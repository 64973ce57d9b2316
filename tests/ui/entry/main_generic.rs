#[greenroom::main]
async fn main<T>() {}
