#[greenroom::main]
async fn main() -> u8 {
    7
}
