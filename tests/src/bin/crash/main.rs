//! A program without a tracing subscriber, in which seven processes crash.

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

#[greenroom::main]
async fn main() {
    for _ in 0..7 {
        let climber = Climber.spawn();
        climber.fall();
        climber.ended().await;
    }
}
