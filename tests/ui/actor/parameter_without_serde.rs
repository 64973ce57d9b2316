use greenroom::prelude::*;

struct Step(u64);

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: Step) {
        self.count += n.0;
    }
}

fn main() {}
