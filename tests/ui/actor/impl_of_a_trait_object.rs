use greenroom::prelude::*;

trait Shape {}

#[actor]
impl dyn Shape {
    #[call]
    fn area(&self) -> u8 {
        7
    }
}

fn main() {}
