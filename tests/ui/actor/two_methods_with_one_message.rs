use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add_one(&mut self) {
        self.count += 1;
    }

    #[cast]
    fn add__one(&mut self) {
        self.count += 1;
    }
}

fn main() {}
