use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64, cx: Context<Self>) {
        drop(cx);
        self.count += n;
    }
}

fn main() {}
