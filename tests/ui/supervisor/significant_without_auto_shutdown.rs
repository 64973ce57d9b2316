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

#[supervisor]
struct Tree {
    #[child(restart = transient, significant)]
    log: Log,
}

fn main() {}
