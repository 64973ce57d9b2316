//! The dining philosophers: a process as a lock, whose owner can crash.
//!
//! A fork is a process. It is taken by one philosopher at a time, and requests of others wait in its mailbox meanwhile. It
//! monitors its owner, so it becomes free when the owner crashes. Each philosopher takes the fork with the lower number
//! first: the philosophers cannot all wait for each other.
//!
//! `cargo run -p patterns --bin philosophers`

use greenroom::prelude::*;

/// The messages to a fork.
#[protocol]
enum Fork {
    /// Returns when the philosopher has the fork.
    Take { by: PhilosopherRef, reply: Reply<()> },
    /// Puts the fork back.
    PutBack { by: PhilosopherRef },
    /// The owner has exited.
    #[from]
    Down(Down),
}

/// A fork between two philosophers.
#[actor(protocol = Fork)]
struct TableFork;

impl Process for TableFork {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            let (owner, reply) = receive!(match cx {
                Fork::Take { by, reply } => (by, reply),
            });
            let watch = cx.monitor(&owner);
            reply.send(());
            receive!(match cx {
                Fork::PutBack { by } if by == owner => {}
                Fork::Down(down) if down.monitor == watch => {}
            });
            cx.demonitor(watch);
        }
    }
}

/// A philosopher between two forks.
#[actor]
struct Philosopher {
    first: ForkRef,
    second: ForkRef,
}

#[actor]
impl Philosopher {
    /// Eats a number of times and returns it. A poisoned meal is the last one.
    #[call]
    async fn dine(&mut self, cx: &mut Context<Self>, meals: u32, poisoned: bool) -> Result<u32, CallError> {
        for _ in 0..meals {
            self.first.take(cx.me()).forever().await?;
            // Time for the neighbours to take a fork, too.
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.second.take(cx.me()).forever().await?;
            assert!(!poisoned, "hemlock");
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.first.put_back(cx.me());
            self.second.put_back(cx.me());
        }
        Ok(meals)
    }
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let names = ["Thales", "Socrates", "Plato", "Hypatia", "Seneca"];
    let forks: Vec<_> = names.iter().map(|_| TableFork.spawn()).collect();
    let mut dinners = Vec::new();
    for (left, name) in names.into_iter().enumerate() {
        let right = (left + 1) % names.len();
        let [first, second] = [left.min(right), left.max(right)].map(|number| forks[number].clone());
        let philosopher = Philosopher { first, second }.spawn();
        dinners.push((name, philosopher.dine(3, name == "Socrates").within(Duration::from_secs(10))));
    }
    for (name, dinner) in dinners {
        match dinner.await {
            Ok(meals) => println!("{name} has eaten {} times", meals?),
            Err(error) => println!("{name} has left: {}", error.kind),
        }
    }
    Ok(())
}
