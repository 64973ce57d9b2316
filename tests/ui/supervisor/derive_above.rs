use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Log;

#[actor]
impl Log {
    #[cast]
    fn write(&mut self, line: String) {
        drop(line);
    }
}

#[derive(Clone, Debug, PartialEq)]
#[supervisor]
struct Tree {
    path: String,
    #[child]
    log: Log,
    #[child(dynamic, restart = temporary)]
    others: Log,
}

fn main() {}
