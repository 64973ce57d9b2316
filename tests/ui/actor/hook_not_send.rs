use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    async fn add(&mut self, n: u64) {
        self.count += n;
    }

    #[init]
    async fn open(&mut self) {
        let n = std::rc::Rc::new(1);
        std::future::ready(()).await;
        self.count += *n;
    }
}

fn main() {}
