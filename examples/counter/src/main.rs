//! A counter server: a struct with methods that other processes call, and a supervisor that restarts it.
//!
//! `Counter` is an ordinary struct. `#[actor]` on its impl turns each `#[cast]` and `#[call]` method into a message
//! of the same name, and creates the stub `CounterRef`, which sends them. After a panic the supervisor restarts the
//! counter from zero, and the stub from the tree stays valid.

use greenroom::prelude::*;

/// A counter.
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

    /// Returns the remainder of the count after a division. Panics if the divisor is zero.
    #[call]
    fn remainder(&self, divisor: u64) -> u64 {
        self.count % divisor
    }

    /// Returns the count.
    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

/// Supervises a counter.
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

    // The caller of a process that panics receives the reason.
    if let Err(error) = counter.remainder(0).await {
        println!("crashed: {error}");
    }
    counter.add(1);
    println!("counted {}", counter.count().await?);
    Ok(())
}
