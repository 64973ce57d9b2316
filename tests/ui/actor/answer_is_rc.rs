use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self) -> std::rc::Rc<u64> {
        std::rc::Rc::new(self.count)
    }
}

fn main() {}
