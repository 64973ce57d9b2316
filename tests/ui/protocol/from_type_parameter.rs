use greenroom::prelude::*;

#[protocol]
enum Mail<T> {
    #[from]
    Any(T),
}

fn main() {}
