#![deny(unused_must_use)]

use greenroom::prelude::*;

#[actor]
#[derive(Clone)]
struct Session;

#[actor]
impl Session {
    #[cast]
    fn line(&mut self, _text: String) {}
}

#[supervisor]
struct Tree {
    #[child(dynamic)]
    sessions: Session,
}

async fn run(tree: TreeRef) {
    tree.sessions().start_child(Session);
}

fn main() {}
