use std::rc::Rc;

use greenroom::prelude::*;

#[remote]
async fn run() {
    let shared = Rc::new(1);
    tokio::task::yield_now().await;
    drop(shared);
}

fn main() {}
