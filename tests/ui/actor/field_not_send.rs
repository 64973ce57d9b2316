use std::rc::Rc;

use greenroom::prelude::*;

#[actor]
struct Counter {
    counts: Rc<Vec<u64>>,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self) -> usize {
        self.counts.len()
    }

    #[init]
    async fn open(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        std::future::ready(cx.now()).await;
        Ok(())
    }
}

#[greenroom::main]
async fn main() {
    Counter { counts: Rc::default() }.spawn();
}
