//! A full mesh of nodes in one program, each with sockets and a thread of its own. They join one after the other
//! through one seed, the last one is killed, and comes back. Prints the times, the descriptors and the memory.
//!
//! The argument is the number of nodes, 60 by default.

use std::time::{Duration, Instant};

use greenroom::{Cookie, Node};
use tokio::runtime::{Builder, Runtime};

/// A node and the runtime that its tasks and sockets belong to.
struct Member {
    node: Node,
    runtime: Runtime,
    address: String,
}

/// The time after which nodes that are not connected are a failure.
const DEADLINE: Duration = Duration::from_secs(120);

fn start(index: usize, cookie: &Cookie, listen: &str, seed: Option<&str>) -> Member {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime starts");
    let mut builder = Node::builder(format!("n{index}@mesh")).cookie(cookie.clone()).listen(listen);
    if let Some(seed) = seed {
        builder = builder.seed(seed);
    }
    let node = runtime.block_on(builder.start()).expect("the node starts");
    let address = node.address().expect("the node listens");
    Member { node, runtime, address }
}

/// Waits until each node is connected with all others. Prints the time since `begun` and the resources of the program.
fn wait_until_complete(members: &[Member], begun: Instant, event: &str) {
    let is_complete = |member: &Member| member.node.peers().len() == members.len() - 1;
    while !members.iter().all(is_complete) {
        if begun.elapsed() > DEADLINE {
            let connected: Vec<_> = members.iter().map(|member| member.node.peers().len()).collect();
            panic!("{event}: after {DEADLINE:?} the nodes have so many peers: {connected:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let descriptors = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("unknown").trim().to_owned();
    println!(
        "{event}: {} nodes, {} connections, {:.2} s, {descriptors} descriptors, {memory} resident",
        members.len(),
        members.len() * (members.len() - 1) / 2,
        begun.elapsed().as_secs_f64(),
    );
}

fn main() {
    let count = std::env::args().nth(1).map_or(60, |count| count.parse().expect("the argument is a number of nodes"));
    let cookie = Cookie::random().expect("random bytes");
    let begun = Instant::now();
    let mut members = vec![start(0, &cookie, "127.0.0.1:0", None)];
    for index in 1..count {
        members.push(start(index, &cookie, "127.0.0.1:0", Some(&members[0].address)));
    }
    wait_until_complete(&members, begun, "joined");
    let downs: u64 = members.iter().map(|member| member.node.counters().node_downs).sum();
    assert_eq!(downs, 0, "no connection was lost");

    let begun = Instant::now();
    let killed = members.pop().expect("there are nodes");
    // Its tasks end where they are, and its sockets close.
    killed.runtime.shutdown_background();
    wait_until_complete(&members, begun, "one was killed");

    let begun = Instant::now();
    members.push(start(count - 1, &cookie, &killed.address, Some(&members[0].address)));
    wait_until_complete(&members, begun, "it came back");
    let downs: u64 = members.iter().map(|member| member.node.counters().node_downs).sum();
    assert_eq!(downs, count as u64 - 1, "each node has lost the killed one");
    drop(killed.node);
    for Member { runtime, .. } in members {
        runtime.shutdown_background();
    }
}
