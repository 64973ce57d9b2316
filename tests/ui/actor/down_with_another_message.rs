use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[down]
    fn ended(&mut self, who: ExitSignal) {
        drop(who);
    }
}

fn main() {}
