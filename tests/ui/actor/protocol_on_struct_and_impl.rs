use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail)]
struct Sorter;

#[actor]
impl Sorter {
    #[cast]
    fn post(&mut self, body: String) {
        drop(body);
    }
}

fn main() {}
