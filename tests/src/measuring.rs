//! Nodes and memory for the programs that measure a cluster in one process of the operating system.

use std::time::Duration;

use greenroom::{Cookie, Node};

/// Starts so many nodes, with names such as `n0@keys`, and waits until all are connected over loopback.
///
/// # Panics
/// If a node does not start.
pub async fn connected_nodes(count: usize, host: &str) -> Vec<Node> {
    let cookie = Cookie::random().expect("random bytes");
    let mut nodes: Vec<Node> = Vec::new();
    for index in 0..count {
        let mut builder = Node::builder(format!("n{index}@{host}")).cookie(cookie.clone()).listen("127.0.0.1:0");
        if let Some(first) = nodes.first() {
            builder = builder.seed(first.address().expect("the node listens"));
        }
        nodes.push(builder.start().await.expect("the node starts"));
    }
    while !nodes.iter().all(|node| node.peers().len() == count - 1) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    nodes
}

/// Returns the resident memory of this process in bytes; zero if the system does not state it.
#[must_use]
pub fn resident_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB").trim();
    line.trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) * 1024.0
}
