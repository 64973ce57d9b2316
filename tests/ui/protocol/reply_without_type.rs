use greenroom::prelude::*;

#[protocol]
enum Mail {
    Collect { reply: Reply },
}

fn main() {}
