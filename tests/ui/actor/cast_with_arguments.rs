use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast(later)]
    fn add(&mut self, n: u64) {
        self.count += n;
    }
}

fn main() {}
