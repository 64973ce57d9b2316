#![deny(unused_must_use)]

use greenroom::{Strategy, Supervisor};

fn run() {
    Supervisor::new(Strategy::OneForAll);
}

fn main() {}
