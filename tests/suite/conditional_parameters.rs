//! Parameters of handlers with `#[cfg]`: the message has a field for each that is not removed.

#![allow(clippy::non_minimal_cfg)]

use greenroom::prelude::*;

#[actor(name = "sum")]
#[derive(Default)]
struct Sum {
    total: u64,
}

#[actor]
impl Sum {
    #[cast]
    fn add(&mut self, #[cfg(any())] removed: Missing, #[cfg(all())] first: u64, #[cfg(all())] second: u64) {
        self.total += first * 10 + second;
    }

    #[call]
    async fn total(&self, #[cfg(any())] removed: Missing, factor: u64) -> u64 {
        self.total * factor
    }
}

#[greenroom::test]
async fn a_handler_gets_the_arguments_that_are_not_removed() -> greenroom::Result {
    let cluster = greenroom::testing::Cluster::in_memory(2).await;
    let sum = {
        let _there = cluster.node(1).enter();
        Sum::default().spawn()
    };
    sum.add(4, 2);
    assert_eq!(sum.total(1).await?, 42);
    let remote: SumRef = cluster.node(0).named_at("sum", cluster.node(1).name());
    remote.add(4, 2).await?;
    assert_eq!(remote.total(2).await?, 168);
    cluster.stop().await;
    Ok(())
}
