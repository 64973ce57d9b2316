//! What a stub from a tree costs over one of the process itself: a million casts through either, to be counted in
//! instructions, which are the same on a busy machine.
//!
//! ```sh
//! cargo bench -p greenroom-tests --bench stub --no-run
//! for stub in none direct tree; do
//!     valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/deps/stub-* $stub
//! done
//! ```
//!
//! `none` sends nothing: what the other two need beyond it is what the casts cost, with their receipt.

use greenroom::Node;
use greenroom::prelude::*;

const CASTS: u64 = 1_000_000;

/// As many as wait at a time: the mailbox stays small.
const BATCH: u64 = 1_000;

#[actor]
#[derive(Default)]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

#[supervisor]
struct Tree {
    #[child]
    counter: Counter,
}

fn main() {
    let stub = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let node = Node::local();
        let direct = node.spawn(Counter::default());
        let tree = node.start_tree(Tree {}).await.expect("it starts");
        let counter = if stub == "tree" { tree.counter() } else { direct };
        let casts = if matches!(&*stub, "direct" | "tree") { CASTS } else { 0 };
        for _ in 0..casts / BATCH {
            for _ in 0..BATCH {
                drop(counter.add(1));
            }
            counter.count().await.expect("it counts");
        }
        assert_eq!(counter.count().await, Ok(casts));
        println!("{casts} casts");
    });
}
