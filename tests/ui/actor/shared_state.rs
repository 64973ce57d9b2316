#![deny(deprecated)]

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};

use greenroom::prelude::*;

#[actor]
struct Stock;

#[actor]
impl Stock {
    #[cast]
    fn lend(&mut self, shelves: Vec<Option<std::sync::Arc<RwLock<u8>>>>) {
        drop(shelves);
    }

    #[cast]
    fn count(&mut self, #[allow(deprecated)] total: Arc<AtomicU64>) {
        drop(total);
    }
}

fn main() {}
