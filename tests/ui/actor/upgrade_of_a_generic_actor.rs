use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail, upgrade)]
#[derive(Serialize, Deserialize)]
struct Sorter<T> {
    letters: Vec<T>,
}

// Its state is portable only with serde's traits on `T`.
impl<T: Send + 'static> Process for Sorter<T> {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx { Mail::Post { .. } => Ok(()) })
    }
}

fn main() {}
