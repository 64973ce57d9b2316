use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post {
        #[private]
        body: String,
    },
}

fn main() {}
