use greenroom::prelude::*;

#[supervisor]
struct Tree(#[child] Log);

#[actor]
struct Log;

#[actor]
impl Log {
    #[cast]
    fn write(&mut self, _line: String) {}
}

fn main() {}
