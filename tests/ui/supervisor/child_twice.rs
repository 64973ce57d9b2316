use greenroom::prelude::*;

#[supervisor]
struct Tree {
    #[child]
    #[child]
    log: Log,
}

#[actor]
#[derive(Default)]
struct Log;

#[actor]
impl Log {
    #[cast]
    fn write(&mut self, _line: String) {}
}

fn main() {}
