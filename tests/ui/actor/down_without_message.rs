use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[down]
    fn ended(&mut self) {
        self.count -= 1;
    }
}

fn main() {}
