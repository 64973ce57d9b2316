use greenroom::prelude::*;

#[supervisor]
struct Tree {
    #[child]
    log: Log,
}

#[actor]
struct Log;

#[actor]
impl Log {
    #[cast]
    fn write(&mut self, _line: String) {}
}

fn main() {}
