use greenroom::prelude::*;

#[protocol]
enum Mail {
    GetUrl { url: String },
    GetURL { url: String },
}

fn main() {}
