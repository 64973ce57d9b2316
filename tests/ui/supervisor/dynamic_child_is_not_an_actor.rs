use greenroom::prelude::*;

#[derive(Default)]
struct Session;

#[supervisor]
struct Tree {
    #[child(dynamic)]
    sessions: Session,
}

fn main() {}
