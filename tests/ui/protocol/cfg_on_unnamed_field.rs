use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post(u8, #[cfg(all())] String),
}

fn main() {}
