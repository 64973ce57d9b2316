use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn watch(&mut self, other: CounterRef, cx: &mut Context<Self>) {
        cx.monitor(&other);
    }
}

fn main() {}
