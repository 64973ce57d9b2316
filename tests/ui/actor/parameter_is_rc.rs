use std::rc::Rc;

use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: Rc<u64>) {
        self.count += *n;
    }
}

fn start() {
    Counter { count: 0 }.spawn().add(1);
}

fn main() {}
