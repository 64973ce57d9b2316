use greenroom::prelude::*;

#[supervisor]
struct Tree {
    #[child(start = 7)]
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
