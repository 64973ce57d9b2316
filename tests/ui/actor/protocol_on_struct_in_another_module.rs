use greenroom::prelude::*;

use self::sorter::Sorter;

#[protocol]
enum Mail {
    Post { body: String },
}

mod sorter {
    use greenroom::prelude::*;

    #[actor(protocol = super::Mail)]
    pub struct Sorter;
}

#[actor]
impl Sorter {
    #[cast]
    fn post(&mut self, body: String) {
        drop(body);
    }
}

fn main() {}
