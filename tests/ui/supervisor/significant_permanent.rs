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

#[supervisor(auto_shutdown = any)]
struct Tree {
    #[child(significant)]
    log: Log,
}

fn main() {}
