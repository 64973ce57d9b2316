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
    #[child(restart = temporary, backoff = "100ms..10s")]
    log: Log,
}

fn main() {}
