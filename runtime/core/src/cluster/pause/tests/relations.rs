//! Relations, groups and calls of processes that are not handed over.

use std::time::Duration;

use greenroom_macros::{actor, protocol};

use super::node_events;
use crate::base::NodeName;
use crate::prelude::*;
use crate::testing::Check;

#[protocol]
enum Store {
    /// Is not answered.
    Wait {
        reply: Reply<u64>,
    },
    Watch {
        store: StoreRef,
    },
    Me {
        reply: Reply<StoreRef>,
    },
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

/// A process that keeps all replies, and monitors others.
#[actor(protocol = Store, trap_exit)]
#[derive(Default)]
struct Keeper {
    replies: Vec<Reply<u64>>,
}

impl Process for Keeper {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            match cx.receive().await {
                Store::Wait { reply } => self.replies.push(reply),
                Store::Me { reply } => reply.send(cx.me()),
                Store::Watch { store } => drop(cx.monitor(&store)),
                Store::Down(_) | Store::Exit(_) => {}
            }
        }
    }
}

fn watchers(node: &Node, store: &StoreRef) -> usize {
    node.process_info(&store.pid().unwrap()).unwrap().monitored_by.len()
}

#[test]
fn what_is_not_handed_over_ends_when_the_successor_serves() {
    Check::nodes(2).run(0..10, async |cluster| {
        let (upgraded, peer) = (cluster.node(0).clone(), cluster.node(1).clone());
        let keeper = upgraded.spawn(Keeper::default());
        let stub: StoreRef = {
            let _here = upgraded.enter();
            StoreRef::register("keeper", &keeper).unwrap();
            peer.named_at("keeper", "n0@test")
        };
        let own = peer.spawn(Keeper::default());
        peer.scope(stub.watch(own.clone()).into_future()).await.unwrap();
        let target = peer.scope(stub.me().into_future()).await.unwrap();
        // Monitors and links the keeper.
        let (outcomes, mut received) = tokio::sync::mpsc::unbounded_channel();
        let _here = peer.enter();
        crate::spawn(async move |mut mailbox: Mailbox<Store>| {
            mailbox.trap_exit(true);
            mailbox.link(&target);
            mailbox.monitor(&target);
            loop {
                match mailbox.receive().await {
                    Store::Down(down) => outcomes.send(down.reason).unwrap(),
                    Store::Exit(exit) => outcomes.send(exit.reason).unwrap(),
                    _ => {}
                }
            }
        });
        drop(_here);
        let call = tokio::spawn(peer.scope(stub.wait().within(Duration::from_secs(600)).into_future()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(watchers(&peer, &own), 1, "the keeper monitors it");

        let router = upgraded.router().unwrap();
        router.pause_peers(&upgraded, Duration::from_secs(5)).await;
        let peers = router.paused_peers(&upgraded);
        assert_eq!(peers[0].relations.len(), 3, "a link, and a monitor in each direction");
        let successor = cluster.start_successor(0, peers, upgraded.last_number() + 1).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(received.try_recv().is_err() && !call.is_finished());
        cluster.commit(0, successor).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let outcomes = [(); 2].map(|()| received.try_recv().unwrap());
        assert_eq!(outcomes, [Exit::shutdown(), Exit::shutdown()]);
        assert_eq!(call.await.unwrap().unwrap_err().kind, CallErrorKind::Exit(Exit::shutdown()));
        assert_eq!(watchers(&peer, &own), 0, "its monitor has ended");
        assert_eq!(node_events(&peer), (1, 0));
        assert_eq!(cluster.node(0).peers(), [NodeName::new("n1@test").unwrap()]);
    });
}
