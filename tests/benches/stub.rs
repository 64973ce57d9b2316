//! The cost of a cast by a tree's stub, compared with a direct stub of the process.
//!
//! The program sends a million casts by one of the stubs. Valgrind counts their instructions, which do not depend on the
//! load of the machine.
//!
//! ```sh
//! cargo bench -p greenroom-tests --bench stub --no-run
//! for stub in none direct tree; do
//!     valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/deps/stub-* $stub
//! done
//! ```
//!
//! `none` sends nothing. The difference to it is the cost of the casts and their receives.

use greenroom::Node;
use greenroom::prelude::*;

const CASTS: u64 = 1_000_000;

/// The number of casts between two calls, which keep the mailbox small.
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
