//! The smallest server: a struct, two methods, and a tree that restarts it.
//!
//! `Counter` is an ordinary struct. `#[actor]` on its impl turns each `#[cast]` and `#[call]` into a message of the
//! same name and makes the stub `CounterRef` to send them with. The tree keeps a counter running: when it panics it
//! starts again, from zero, and the stub from the tree goes on working.

use greenroom::prelude::*;

/// Counts.
#[actor]
#[derive(Default)]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    /// Adds `n`.
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }

    /// What is left if it is shared out.
    #[call]
    fn share(&self, among: u64) -> u64 {
        self.count % among
    }

    /// The count so far.
    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

/// Keeps a counter running.
#[supervisor(strategy = one_for_one, intensity = 3, period = "5s")]
struct Tree {
    #[child]
    counter: Counter,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let tree = Tree {}.start().await?;
    let counter = tree.counter();

    counter.add(2);
    counter.add(40);
    println!("counted {}", counter.count().await?);

    // Whoever called a process that panics hears why there is no answer.
    if let Err(error) = counter.share(0).await {
        println!("crashed: {error}");
    }
    counter.add(1);
    println!("counted {}", counter.count().await?);
    Ok(())
}
