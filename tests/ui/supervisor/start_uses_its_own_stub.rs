use greenroom::prelude::*;

#[actor]
struct Web {
    me: WebRef,
}

#[actor]
impl Web {
    #[cast]
    fn note(&mut self) {
        self.me.note();
    }
}

#[supervisor]
struct Tree {
    #[child(start = Web { me: web })]
    web: Web,
}

fn main() {}
