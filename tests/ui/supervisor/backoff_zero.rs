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
    #[child(backoff = "0s..1s")]
    log: Log,
}

fn main() {}
