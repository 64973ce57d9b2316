use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post {
        #[priority]
        body: String,
    },
}

fn main() {}
