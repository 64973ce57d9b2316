use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[down]
    fn ended(&mut self, signal: ExitSignal) {
        drop(signal);
    }
}

fn main() {}
