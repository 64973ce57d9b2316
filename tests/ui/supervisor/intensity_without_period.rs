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

#[supervisor(intensity = 3)]
struct Tree {
    #[child]
    log: Log,
}

fn main() {}
