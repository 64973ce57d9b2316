use greenroom::prelude::*;

#[actor]
struct Greeter {
    greeted: Vec<String>,
}

#[actor]
impl Greeter {
    #[call]
    fn greeted(&self) -> &[String] {
        &self.greeted
    }
}

async fn count(greeter: &GreeterRef) -> Result<usize, CallError> {
    Ok(greeter.greeted().await?.len())
}

fn main() {}
