//! A program without a tracing subscriber, in which seven processes crash; with an argument, one that cannot be caught.

use greenroom::prelude::*;

#[protocol(local)]
enum Order {
    Fall,
}

#[actor(protocol = Order)]
struct Climber;

impl Process for Climber {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx {
            Order::Fall => Err(Exit::error("the rope")),
        })
    }
}

/// Panics again while its first panic drops it, which ends the program: so has Rust it.
#[actor(protocol = Order)]
struct Twice;

impl Process for Twice {
    async fn run(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        panic!("the rope");
    }
}

impl Drop for Twice {
    fn drop(&mut self) {
        panic!("the net");
    }
}

#[greenroom::main]
async fn main() {
    if std::env::args().len() > 1 {
        Twice.spawn().ended().await;
    }
    for _ in 0..7 {
        let climber = Climber.spawn();
        climber.fall();
        climber.ended().await;
    }
}
