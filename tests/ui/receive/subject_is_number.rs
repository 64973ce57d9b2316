use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Tick,
}

async fn read(number: u8) {
    receive!(match number {
        Mail::Post { body, .. } if body.is_empty() => {}
        Mail::Tick => {}
        after!(Duration::ZERO) => {}
    });
}

fn main() {}
