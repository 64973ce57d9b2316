use greenroom::prelude::*;

#[supervisor]
struct Tree {
    #[child(strat = Log)]
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

fn write(tree: &TreeRef) {
    tree.log().write("hello".into());
}

fn main() {}
