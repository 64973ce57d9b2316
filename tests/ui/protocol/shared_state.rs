#![deny(deprecated)]

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;

#[protocol]
enum Stock {
    Lend {
        shelf: Arc<Mutex<Vec<String>>>,
        name: String,
    },
    Count(#[allow(deprecated)] Arc<AtomicU64>),
    #[private]
    Share(Arc<AtomicU64>),
}

fn main() {}
