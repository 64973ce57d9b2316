use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64, _cx: &mut Context<Other>) {
        self.count += n;
    }
}

#[actor]
struct Other;

#[actor]
impl Other {
    #[cast]
    fn wake(&mut self) {}
}

fn main() {}
