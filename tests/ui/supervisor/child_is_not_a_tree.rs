use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Log;

#[actor]
impl Log {
    #[cast]
    fn write(&mut self, _line: String) {}
}

#[supervisor]
struct Tree {
    #[child(supervisor)]
    log: Log,
}

fn main() {}
