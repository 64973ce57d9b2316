//! Upgrades a running cluster from the first release to the second, and prints what was lost.
//!
//! The program builds the program `node` in both releases and starts three nodes of the first one. They place orders at
//! each other's desks. Then the nodes are replaced one after the other: SIGTERM, the end of the process, a start of the
//! second release under the same name and address. The exit code is 0 if no order is lost.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use greenroom::Cookie;
use upgrade_protocol::report::{Counts, Ledger, Line};

/// The names of the nodes, and their addresses.
const NODES: [(&str, &str); 3] =
    [("a@orders", "127.0.0.1:9201"), ("b@orders", "127.0.0.1:9202"), ("c@orders", "127.0.0.1:9203")];
/// The time that the cluster runs after each replacement.
const PHASE: Duration = Duration::from_secs(2);
/// The time within which each node has printed its counts: twice the period.
const PRINT_PERIOD: Duration = Duration::from_millis(200);
/// The time after which a node does not start or stop any more.
const DEADLINE: Duration = Duration::from_secs(15);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("upgrade: {error}");
            ExitCode::from(2)
        }
    }
}

/// Builds both releases and upgrades a cluster. Returns the number of lost orders.
fn run() -> Result<u64> {
    // The first release is built last: a build without the feature is expected in the target folder.
    let second = build("second", &["--features", "second"])?;
    let first = build("first", &[])?;

    let began = Instant::now();
    let (sender, lines) = channel();
    let mut cluster = Cluster {
        nodes: Vec::new(),
        cookie: Cookie::random()?,
        ledger: Ledger::default(),
        printed: Counts::default(),
        sender,
        lines,
    };
    for at in 0..NODES.len() {
        let node = cluster.spawn(&first, at)?;
        cluster.nodes.push(node);
    }
    cluster.wait_until(|ledger| NODES.iter().all(|(name, _)| ledger.is_running(name)))?;

    println!("{:<24}{:>10}{:>10}{:>10}{:>10}{:>10}", "nodes", "sent", "answered", "quoted", "repeated", "lost");
    cluster.run_for(PHASE)?;
    cluster.print_row("3 first");
    for (at, (name, _)) in NODES.iter().enumerate() {
        cluster.replace(at, &second)?;
        cluster.print_row(&format!("{name} is replaced"));
        cluster.run_for(PHASE)?;
        if at + 1 == NODES.len() {
            (0..NODES.len()).try_for_each(|at| cluster.stop(at))?;
        }
        cluster.print_row(["2 first, 1 second", "1 first, 2 second", "3 second"][at]);
    }
    let total = cluster.ledger.total();
    print_counts("all", total);
    for (reason, orders) in cluster.ledger.reasons() {
        println!("{orders} lost: {reason}");
    }
    println!("the upgrade took {:.1?}", began.elapsed());
    // Also orders that were never answered or given up.
    let lost = total.sent - total.answered;
    println!("lost: {lost}");
    Ok(lost)
}

fn print_counts(nodes: &str, counts: Counts) {
    print!("{nodes:<24}");
    counts.to_array().iter().for_each(|count| print!("{count:>10}"));
    println!();
}

/// Builds the program `node`, and returns the path of a copy with this name.
fn build(name: &str, features: &[&str]) -> Result<PathBuf> {
    println!("building the {name} release");
    let own = std::env::current_exe()?;
    let folder = own.parent().ok_or("the program has no folder")?;
    let target = folder.parent().ok_or("the program is not in a target folder of cargo")?;
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--bin", "node", "--manifest-path", manifest, "--profile", profile, "--target-dir"])
        .arg(target)
        .args(features)
        .status()?;
    if !status.success() {
        return Err(format!("cargo could not build the {name} release").into());
    }
    let copies = target.join("upgrade_protocol");
    std::fs::create_dir_all(&copies)?;
    let (built, copy) = (format!("node{}", std::env::consts::EXE_SUFFIX), copies.join(name));
    // The nodes of another run may still use the file of that name. It cannot be written then, but it can be replaced.
    if copy.exists() {
        std::fs::remove_file(&copy)?;
    }
    std::fs::copy(folder.join(built), &copy)?;
    Ok(copy)
}

/// The nodes, and the counts of their orders.
struct Cluster {
    nodes: Vec<Node>,
    cookie: Cookie,
    ledger: Ledger,
    /// The counts in the rows that are printed.
    printed: Counts,
    /// Each node has a thread that sends its lines here, with the node's index.
    sender: Sender<(usize, Line)>,
    lines: Receiver<(usize, Line)>,
}

impl Cluster {
    /// Starts a node of a release. Does not wait until it is ready.
    fn spawn(&self, release: &Path, at: usize) -> Result<Node> {
        let (name, address) = NODES[at];
        let mut child = Command::new(release)
            .args(NODES.map(|(name, _)| name))
            .env("GREENROOM_NODE", name)
            .env("GREENROOM_LISTEN", address)
            .env("GREENROOM_SEEDS", NODES.map(|(_, address)| address).join(","))
            .env(Cookie::VARIABLE, self.cookie.expose())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("the node has no output")?;
        let sender = self.sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
                match line.parse() {
                    // The receiver is gone if the upgrade has failed.
                    Ok(line) => drop(sender.send((at, line))),
                    Err(error) => eprintln!("{name}: {error}"),
                }
            }
        });
        Ok(Node(child))
    }

    /// Stops a node in order, starts another release at its place, and waits until it places orders.
    fn replace(&mut self, at: usize, release: &Path) -> Result<()> {
        self.stop(at)?;
        self.nodes[at] = self.spawn(release, at)?;
        self.wait_until(|ledger| ledger.is_running(NODES[at].0))?;
        // The next line of each node has the orders until now.
        self.run_for(PRINT_PERIOD)
    }

    /// Stops a node in order, and waits until its last line is read and its process has ended.
    fn stop(&mut self, at: usize) -> Result<()> {
        self.nodes[at].terminate()?;
        self.wait_until(|ledger| !ledger.is_running(NODES[at].0))?;
        let status = self.nodes[at].0.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", NODES[at].0).into()) }
    }

    /// Records the lines of the nodes until a condition is met.
    fn wait_until(&mut self, is_met: impl Fn(&Ledger) -> bool) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        while !is_met(&self.ledger) {
            if !self.record_until(deadline)? {
                return Err(format!("a node has not started or stopped within {DEADLINE:?}").into());
            }
        }
        Ok(())
    }

    /// Records the lines of the nodes for this long.
    fn run_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while self.record_until(end)? {}
        Ok(())
    }

    /// Prints the orders since the last row.
    fn print_row(&mut self, nodes: &str) {
        let total = self.ledger.total();
        print_counts(nodes, total - self.printed);
        self.printed = total;
    }

    /// Records the next line. Returns `false` if that time has passed before it.
    fn record_until(&mut self, end: Instant) -> Result<bool> {
        match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok((at, line)) => self.ledger.record(NODES[at].0, line),
            Err(RecvTimeoutError::Timeout) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }
}

/// The operating system process of a node. It is killed on drop.
struct Node(Child);

impl Node {
    /// Sends SIGTERM.
    fn terminate(&self) -> Result<()> {
        // The standard library sends no signal but SIGKILL, and every Unix shell has `kill`.
        let status = Command::new("sh").args(["-c", "kill -TERM $0", &self.0.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err("cannot send SIGTERM".into()) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
