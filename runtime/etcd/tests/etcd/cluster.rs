//! Members of etcd as processes of the operating system.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use greenroom::NodeId;
use greenroom_etcd::{Etcd, EtcdBuilder};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The time after which a condition does not become true any more. The causes that tests wait for take far less.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// An etcd of one or several members. They are killed, and their data is removed, when it is dropped.
pub(crate) struct Cluster {
    pub(crate) members: Vec<Member>,
    directory: PathBuf,
}

/// A member of etcd.
pub(crate) struct Member {
    /// The address for clients.
    pub(crate) address: String,
    command: Command,
    process: Child,
}

impl Cluster {
    /// Starts a cluster of one member, which grants leases of one second and more. Returns `None`, with a message, if etcd
    /// is not installed.
    pub(crate) async fn of_one() -> Option<Cluster> {
        // The shortest lease of etcd is one and a half times its election timeout.
        Cluster::start(1, |_| ["--heartbeat-interval=50".into(), "--election-timeout=250".into()].into()).await
    }

    /// Starts a cluster of three members, which grants leases of two seconds and more.
    pub(crate) async fn of_three() -> Option<Cluster> {
        Cluster::start(3, |_| Vec::new()).await
    }

    /// Starts a cluster whose members have further arguments, which depend on the directory of the cluster.
    pub(crate) async fn start(size: usize, arguments: impl Fn(&Path) -> Vec<String>) -> Option<Cluster> {
        let cluster = Cluster::spawn(size, "http", arguments)?;
        for member in &cluster.members {
            until(async || member.post("kv/range", "{\"key\":\"YQ==\"}").await.is_some()).await;
        }
        Some(cluster)
    }

    /// Starts a cluster, and does not wait until it serves.
    pub(crate) fn spawn(size: usize, scheme: &str, arguments: impl Fn(&Path) -> Vec<String>) -> Option<Cluster> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if Command::new("etcd").arg("--version").stdout(Stdio::null()).status().is_err() {
            let reason = "etcd is not installed: Debian's package is `etcd-server`";
            assert!(env::var("CI").as_deref() != Ok("true"), "{reason}");
            eprintln!("skipped: {reason}");
            return None;
        }
        let name = format!("greenroom-etcd-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("the directory for temporary files is writable");
        let ports = free_ports(2 * size);
        let peer = |index: usize| format!("http://127.0.0.1:{}", ports[size + index]);
        let all: Vec<_> = (0..size).map(|index| format!("m{index}={}", peer(index))).collect();
        let members = (0..size).map(|index| {
            let address = format!("{scheme}://127.0.0.1:{}", ports[index]);
            let mut command = Command::new("etcd");
            command
                .arg(format!("--name=m{index}"))
                .arg(format!("--data-dir={}/m{index}", directory.display()))
                .arg(format!("--listen-client-urls={address}"))
                .arg(format!("--advertise-client-urls={address}"))
                .arg(format!("--listen-peer-urls={}", peer(index)))
                .arg(format!("--initial-advertise-peer-urls={}", peer(index)))
                .arg(format!("--initial-cluster={}", all.join(",")))
                .args(arguments(&directory))
                // Settings of the machine.
                .env_clear()
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let process = command.spawn().expect("etcd starts");
            Member { address, command, process }
        });
        Some(Cluster { members: members.collect(), directory })
    }

    /// Returns the configuration of a registry on this etcd, with a lease of this many seconds.
    pub(crate) fn registry(&self, lease: u64) -> EtcdBuilder {
        self.registry_from(0, lease)
    }

    /// Returns the configuration of a registry whose first member is the one with this index.
    pub(crate) fn registry_from(&self, first: usize, lease: u64) -> EtcdBuilder {
        let members = self.members[first..].iter().chain(&self.members[..first]);
        let addresses = members.map(|member| member.address.clone());
        Etcd::builder(addresses).prefix("shop/").lease(Duration::from_secs(lease))
    }

    /// Returns the directory of the data.
    #[cfg(feature = "tls")]
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the index of the leader.
    pub(crate) async fn leader(&self) -> usize {
        for (index, member) in self.members.iter().enumerate() {
            let Some(status) = member.post("maintenance/status", "{}").await else { continue };
            if status["leader"] == status["header"]["member_id"] {
                return index;
            }
        }
        panic!("the cluster has no leader");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in &mut self.members {
            member.kill();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Member {
    /// Kills the process, and waits for its end.
    pub(crate) fn kill(&mut self) {
        // It may have ended before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts the member again, with its data.
    pub(crate) fn restart(&mut self) {
        self.process = self.command.spawn().expect("etcd starts");
    }

    /// Sends a signal such as `STOP` to the process.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(status.is_ok_and(|status| status.success()), "the signal is sent");
    }

    /// Sends a request directly, without the code under test. Returns the answer, or `None` without one.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Option<Value> {
        self.post_as("", path, body).await
    }

    /// Sends a request directly, with the token of a user.
    pub(crate) async fn post_as(&self, token: &str, path: &str, body: &str) -> Option<Value> {
        let host = self.address.strip_prefix("http://").expect("it is served without TLS");
        let token = if token.is_empty() { String::new() } else { format!("Authorization: {token}\r\n") };
        let exchange = async {
            let mut stream = TcpStream::connect(host).await.ok()?;
            let length = body.len();
            let request = format!(
                "POST /v3/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{token}\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.ok()?;
            serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
        };
        tokio::time::timeout(Duration::from_secs(10), exchange).await.ok()?
    }
}

/// Waits until the condition is true.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < DEADLINE, "the condition does not become true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns the identity of a node.
pub(crate) fn node(name: &str) -> NodeId {
    NodeId { name: name.parse().expect("it is a name"), incarnation: 1 }
}

/// Returns ports that are free at present.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port is free")).collect();
    listeners.iter().map(|listener| listener.local_addr().expect("it is bound").port()).collect()
}
