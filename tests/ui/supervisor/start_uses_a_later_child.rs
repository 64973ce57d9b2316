use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Log {}

#[actor]
impl Log {
    #[cast]
    fn note(&mut self) {}
}

#[actor]
struct Web {
    log: LogRef,
}

#[actor]
impl Web {
    #[cast]
    fn note(&mut self) {
        self.log.note();
    }
}

#[supervisor]
struct Tree {
    #[child(start = Web { log: log.clone() })]
    web: Web,
    #[child]
    log: Log,
}

fn main() {}
