//! The program `peer`: a node in an OS process of its own.

use std::net::TcpListener;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom::prelude::Cookie;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The time after which a line is missing. The causes that tests wait for take effect far sooner.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// A tick that no test waits for.
pub(crate) const LONG_TICK: Duration = Duration::from_secs(3600);

/// The configuration of a node.
#[derive(Clone)]
pub(crate) struct Config {
    name: String,
    cookie: String,
    listen: String,
    seeds: String,
    tick: Duration,
    is_hidden: bool,
    /// The network namespace of the host, if it is not this one.
    namespace: Option<String>,
}

impl Config {
    pub(crate) fn new(name: &str, cookie: &Cookie) -> Config {
        let (name, cookie) = (name.to_owned(), cookie.expose().to_owned());
        Config {
            name,
            cookie,
            listen: format!("127.0.0.1:{}", free_port()),
            seeds: String::new(),
            tick: LONG_TICK,
            is_hidden: false,
            namespace: None,
        }
    }

    pub(crate) fn listen(mut self, address: &str) -> Config {
        address.clone_into(&mut self.listen);
        self
    }

    pub(crate) fn seeds<'a>(mut self, addresses: impl IntoIterator<Item = &'a str>) -> Config {
        self.seeds = addresses.into_iter().collect::<Vec<_>>().join(",");
        self
    }

    pub(crate) fn tick(mut self, tick: Duration) -> Config {
        self.tick = tick;
        self
    }

    /// Has the node dial its seeds only.
    pub(crate) fn hidden(mut self) -> Config {
        self.is_hidden = true;
        self
    }

    /// Runs the node on the host with this network namespace.
    #[cfg(target_os = "linux")]
    pub(crate) fn namespace(mut self, namespace: &str) -> Config {
        self.namespace = Some(namespace.to_owned());
        self
    }

    pub(crate) fn address(&self) -> &str {
        &self.listen
    }

    /// Starts the node. Does not wait until it is ready.
    pub(crate) fn spawn(&self) -> Peer {
        let program = env!("CARGO_BIN_EXE_peer");
        let mut command = match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, program]);
                command
            }
            None => Command::new(program),
        };
        let mut child = command
            .env("PEER_NAME", &self.name)
            .env("PEER_LISTEN", &self.listen)
            .env("PEER_SEEDS", &self.seeds)
            .env("PEER_TICK", self.tick.as_millis().to_string())
            .env(Cookie::VARIABLE, &self.cookie)
            .envs(self.is_hidden.then_some(("PEER_HIDDEN", "1")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let (output, errors) = (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
        let lines = Arc::new(Lines::default());
        let readers = [lines.read("", output), lines.read("stderr: ", errors)];
        let input = child.stdin.take();
        Peer { config: self.clone(), child, input, lines, readers, next: 0 }
    }

    /// Starts the node and waits until its processes run.
    pub(crate) async fn start(&self) -> Peer {
        let peer = self.spawn();
        peer.serving().await;
        peer
    }
}

/// A running node.
pub(crate) struct Peer {
    config: Config,
    child: Child,
    /// The node stops when it closes.
    input: Option<ChildStdin>,
    lines: Arc<Lines>,
    readers: [JoinHandle<()>; 2],
    /// The number of the next command's key.
    next: u32,
}

/// All lines of a program so far: its output, and its error output behind `stderr: `.
#[derive(Default)]
pub(crate) struct Lines {
    lines: Mutex<Vec<String>>,
    changed: Notify,
}

impl Lines {
    /// Collects the lines of a pipe until it closes.
    pub(crate) fn read(
        self: &Arc<Lines>,
        prefix: &'static str,
        from: impl AsyncRead + Unpin + Send + 'static,
    ) -> JoinHandle<()> {
        let lines = Arc::clone(self);
        tokio::spawn(async move {
            let mut from = BufReader::new(from).lines();
            while let Ok(Some(line)) = from.next_line().await {
                lines.lines.lock().unwrap().push(format!("{prefix}{line}"));
                lines.changed.notify_waiters();
            }
        })
    }

    /// Returns the lines that begin with `begin`, in their order.
    pub(crate) fn with(&self, begin: &str) -> Vec<String> {
        self.lines.lock().unwrap().iter().filter(|line| line.starts_with(begin)).cloned().collect()
    }

    /// Waits for the `n`th line, counted from 1, that begins with the first of these texts and contains the others.
    pub(crate) async fn nth(&self, program: &str, n: usize, parts: &[&str]) -> String {
        let (begin, rest) = parts.split_first().expect("a text");
        let found = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                let lines = self.with(begin);
                if let Some(line) = lines.iter().filter(|line| rest.iter().all(|part| line.contains(part))).nth(n - 1) {
                    return line.clone();
                }
                changed.await;
            }
        };
        match timeout(DEADLINE, found).await {
            Ok(line) => line,
            Err(_) => panic!("{program}: no line {n} with {parts:?} in\n{}", self.with("").join("\n")),
        }
    }
}

impl Peer {
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// Waits until the node's processes run.
    pub(crate) async fn serving(&self) {
        self.nth(1, &["serving"]).await;
    }

    pub(crate) async fn command(&mut self, command: &str) {
        let input = self.input.as_mut().expect("the node runs");
        input.write_all(format!("{command}\n").as_bytes()).await.expect("the node runs");
    }

    /// Has the node call `service` on a peer, by `echo` or `hold`, and returns the result.
    pub(crate) async fn call(&mut self, kind: &str, peer: &str, within: Duration) -> String {
        let key = self.begin(kind, peer, within).await;
        self.result(&key).await
    }

    /// Begins a call. Returns the key of its result.
    pub(crate) async fn begin(&mut self, kind: &str, peer: &str, within: Duration) -> String {
        let key = self.key();
        self.command(&format!("{kind} {key} {peer} {}", within.as_millis())).await;
        key
    }

    /// Waits for the result with this key.
    pub(crate) async fn result(&self, key: &str) -> String {
        let line = self.nth(1, &[&format!("{key} ")]).await;
        line[key.len() + 1..].to_owned()
    }

    /// Has the node call a peer and asserts that the peer answers.
    pub(crate) async fn assert_served_by(&mut self, peer: &str) {
        assert_eq!(self.call("echo", peer, DEADLINE).await, "ok", "{} calls {peer}", self.name());
    }

    /// Has the node call a peer with a text of so many bytes and asserts that the peer returns it.
    #[cfg(target_os = "linux")]
    pub(crate) async fn assert_echo(&mut self, peer: &str, bytes: usize) {
        let key = self.key();
        self.command(&format!("echo {key} {peer} {} {bytes}", DEADLINE.as_millis())).await;
        assert_eq!(self.result(&key).await, "ok", "{} calls {peer}", self.name());
    }

    /// Has the node send messages to a peer, in order. Returns the number of those that have arrived in order, from all
    /// requests so far.
    pub(crate) async fn send(&mut self, peer: &str, count: u64) -> String {
        let key = self.key();
        self.command(&format!("send {key} {peer} {count}")).await;
        self.result(&key).await
    }

    pub(crate) fn key(&mut self) -> String {
        self.next += 1;
        format!("k{}", self.next)
    }

    /// Returns the lines that begin with `begin`, in their order.
    pub(crate) fn lines(&self, begin: &str) -> Vec<String> {
        self.lines.with(begin)
    }

    /// Waits for the `n`th line, counted from 1, that begins with the first of these texts and contains the others.
    pub(crate) async fn nth(&self, n: usize, parts: &[&str]) -> String {
        self.lines.nth(self.name(), n, parts).await
    }

    /// Waits until `n` lines begin with `key` and a space, and returns them sorted, without the key.
    pub(crate) async fn results(&self, n: usize, key: &str) -> Vec<String> {
        let begin = format!("{key} ");
        self.nth(n, &[&begin]).await;
        let mut lines: Vec<_> = self.lines(&begin).iter().map(|line| line[begin.len()..].to_owned()).collect();
        lines.sort();
        lines
    }

    /// Waits for the `n`th time that this peer comes up.
    pub(crate) async fn up(&self, n: usize, peer: &str) {
        self.nth(n, &["log INFO node up", &format!("peer={peer}")]).await;
    }

    /// Waits for the `n`th loss of this peer, and returns the line, with the cause.
    pub(crate) async fn lost(&self, n: usize, peer: &str) -> String {
        self.nth(n, &["log WARN node down", &format!("peer={peer}")]).await
    }

    /// Returns how often a peer has come up and how often a connection to it ended, so far.
    pub(crate) fn ups_and_downs(&self, peer: &str) -> (usize, usize) {
        let peer = format!("peer={peer}");
        let count = |begin| self.lines(begin).iter().filter(|line| line.contains(&peer)).count();
        (count("log INFO node up"), count("log WARN node down") + count("log INFO connection closed"))
    }

    /// Sends a signal of the operating system, as `STOP`.
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill").arg(format!("-{signal}")).arg(id).status().await;
        assert!(status.expect("`kill` is installed").success());
    }

    /// Kills the process, which cannot send a goodbye, and waits for its end.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Waits for the end of the process and of its output.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = async {
            let status = self.child.wait().await.expect("it is a child");
            for reader in &mut self.readers {
                reader.await.expect("the output is UTF-8");
            }
            status
        };
        timeout(DEADLINE, ended).await.expect("the node stops")
    }

    /// Stops the node in order. Nothing has panicked in it.
    pub(crate) async fn stop(mut self) {
        drop(self.input.take());
        let status = self.ended().await;
        let output = self.lines("").join("\n");
        assert!(status.success() && !output.contains("stderr: "), "{status}\n{output}");
    }
}

/// Two nodes that are connected. The first one dials.
pub(crate) struct Pair {
    pub(crate) dialler: Peer,
    pub(crate) listener: Peer,
}

impl Pair {
    /// Starts both and waits until they are connected. The dialler dials `proxy`, or without one the listener itself.
    pub(crate) async fn start(dialler: &str, listener: &str, tick: Duration) -> Pair {
        let cookie = Cookie::random().unwrap();
        let listener = Config::new(listener, &cookie).tick(tick).start().await;
        let dialler = Config::new(dialler, &cookie).tick(tick).seeds([listener.config().address()]).start().await;
        Pair::connected(dialler, listener).await
    }

    pub(crate) async fn connected(dialler: Peer, listener: Peer) -> Pair {
        dialler.up(1, listener.name()).await;
        listener.up(1, dialler.name()).await;
        Pair { dialler, listener }
    }
}

impl Peer {
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }
}

/// Returns a port at which nothing listens. It is below those that the operating system gives to others on request, so
/// that it is still free when a node that was killed takes it again.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u64::from(std::process::id()) * 97;
    loop {
        let offset = first + u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 12_000 + u16::try_from(offset % 20_000).unwrap();
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
