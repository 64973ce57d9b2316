use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    async fn add(&mut self, n: u64) {
        let n = std::rc::Rc::new(n);
        std::future::ready(()).await;
        self.count += *n;
    }
}

fn main() {}
