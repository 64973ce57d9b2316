use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Log;

#[actor]
impl Log {
    #[cast]
    fn line(&mut self, text: String) {
        drop(text);
    }
}

#[supervisor(auto_shutdown = all)]
struct Tree {
    #[child]
    log: Log,
}

fn main() {}
