//! The program `release` in a folder of its own, where its file is replaced by other releases.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::real_processes::program::{DEADLINE, Lines, free_port};

/// A running server, of any release.
pub(crate) struct Server {
    folder: PathBuf,
    address: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Arc<Lines>,
    /// The number of the process that serves.
    serving: Mutex<String>,
}

/// Clients that connect all the time.
pub(crate) struct Load {
    clients: JoinSet<BTreeMap<String, u32>>,
    stops: Vec<oneshot::Sender<()>>,
}

impl Server {
    /// Starts a release and waits until it listens.
    pub(crate) async fn start(release: &str) -> Server {
        Server::start_with(release, |program| piped(Command::new(program))).await
    }

    /// Starts a release by a command that runs this program, and has the standard input and error that it needs.
    pub(crate) async fn start_with(release: &str, command: impl FnOnce(&Path) -> Command) -> Server {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("greenroom-release-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("shop");
        install(&program, release);
        let address = format!("127.0.0.1:{}", free_port());
        let mut child = command(&program)
            .arg("-v")
            .env("WEB", &address)
            .env("RUST_BACKTRACE", "0")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let lines = Arc::new(Lines::default());
        lines.read("", child.stdout.take().expect("it is piped"));
        if let Some(errors) = child.stderr.take() {
            lines.read("stderr: ", errors);
        }
        let input = child.stdin.take();
        let server = Server { folder, address, child, input, lines, serving: Mutex::default() };
        server.nth(1, &["listening"]).await;
        *server.serving.lock().unwrap() = server.process(1).await;
        server
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.folder.join("shop")
    }

    /// Replaces the program's file by another release.
    pub(crate) fn install(&self, release: &str) {
        install(&self.program(), release);
    }

    /// Replaces the program's file by a script.
    pub(crate) fn install_script(&self, script: &str, mode: u32) {
        replace(&self.program(), script.as_bytes(), mode);
    }

    /// Installs a release, upgrades the server by SIGUSR2, and waits until the release serves and its predecessor is gone or
    /// a shim.
    pub(crate) async fn upgrade(&self, release: &str) {
        let predecessor = self.begin_upgrade(release).await;
        left(&predecessor).await;
        assert_eq!(self.ask().await, release);
    }

    /// Installs a release, upgrades the server by SIGUSR2, and waits until the release serves. Returns the number of the
    /// predecessor's process.
    pub(crate) async fn begin_upgrade(&self, release: &str) -> String {
        let before = self.lines.with("log INFO node was upgraded").len();
        self.install(release);
        self.signal("USR2").await;
        self.nth(before + 1, &["log INFO node was upgraded"]).await;
        let successor = self.process(self.lines.with("started ").len()).await;
        std::mem::replace(&mut self.serving.lock().unwrap(), successor)
    }

    /// Has the server attempt an upgrade within so many milliseconds, and returns the result.
    pub(crate) async fn attempt(&mut self, command: &str, milliseconds: u32) -> String {
        let before = self.begin(command, milliseconds).await;
        let line = self.nth(before + 1, &["result "]).await;
        line["result ".len()..].to_owned()
    }

    /// Begins an upgrade. Returns the number of earlier results.
    pub(crate) async fn begin(&mut self, command: &str, milliseconds: u32) -> usize {
        let before = self.lines.with("result ").len();
        self.command(&format!("{command} {milliseconds}")).await;
        before
    }

    pub(crate) async fn command(&mut self, command: &str) {
        let input = self.input.as_mut().expect("it is piped");
        input.write_all(format!("{command}\n").as_bytes()).await.expect("the server runs");
    }

    /// Waits until the server is connected with so many nodes.
    pub(crate) async fn connected(&mut self, peers: usize) {
        for n in 1.. {
            self.command("peers").await;
            if self.nth(n, &["peers "]).await == format!("peers {peers}") {
                return;
            }
        }
    }

    pub(crate) async fn nth(&self, n: usize, parts: &[&str]) -> String {
        self.lines.nth(&self.folder.display().to_string(), n, parts).await
    }

    pub(crate) fn lines(&self, begin: &str) -> Vec<String> {
        self.lines.with(begin)
    }

    /// Returns the number of the process of the `n`th release that has started.
    pub(crate) async fn process(&self, n: usize) -> String {
        let line = self.nth(n, &["started "]).await;
        line.split(' ').nth(2).expect("a number").to_owned()
    }

    /// Returns the name of the release that answers a connection.
    pub(crate) async fn ask(&self) -> String {
        ask(&self.address).await.unwrap()
    }

    /// Opens a connection that the server has accepted, and begins a request.
    pub(crate) async fn half_a_request(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(b"pi").await.unwrap();
        // Connections are accepted in their order.
        self.ask().await;
        stream
    }

    /// Lets clients connect all the time.
    pub(crate) fn load(&self) -> Load {
        let (mut clients, mut stops) = (JoinSet::new(), Vec::new());
        for _ in 0..4 {
            let (address, (stop, mut stopped)) = (self.address.clone(), oneshot::channel());
            stops.push(stop);
            clients.spawn(async move {
                let mut answers = BTreeMap::new();
                while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                    let answer = match ask(&address).await {
                        Ok(release) => release,
                        // The ports of the clients are in use for a minute after each connection.
                        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => continue,
                        Err(error) => format!("error: {error}"),
                    };
                    *answers.entry(answer).or_default() += 1;
                }
                answers
            });
        }
        Load { clients, stops }
    }

    /// Sends a signal to the process that the test has started.
    pub(crate) async fn signal(&self, signal: &str) {
        send(signal, &self.child.id().expect("it runs").to_string()).await;
    }

    /// Returns the number of the process that the started one has started.
    pub(crate) fn child_of_child(&self) -> String {
        let parent = self.child.id().expect("it runs");
        fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap().trim().to_owned()
    }

    /// Waits for the end of the process that the test has started.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        timeout(DEADLINE, self.child.wait()).await.expect("it ends").expect("it is a child")
    }

    /// Stops the server and asserts that no process of it is left.
    pub(crate) async fn stop(mut self) {
        self.signal("TERM").await;
        let status = self.ended().await;
        assert!(status.success(), "{status}\n{}", self.lines("").join("\n"));
        assert!(ask(&self.address).await.is_err(), "a process serves");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Successors of a test that has failed. Each number was used by a process of this program.
        for line in self.lines.with("started ") {
            let Some(number) = line.split(' ').nth(2) else { continue };
            if fs::read_link(format!("/proc/{number}/exe")).is_ok_and(|program| program.starts_with(&self.folder)) {
                let _ = std::process::Command::new("kill").args(["-KILL", number]).status();
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Load {
    /// Stops the clients. Returns the number of answers by each release, and of errors.
    pub(crate) async fn stop(mut self) -> BTreeMap<String, u32> {
        self.stops.clear();
        let mut all = BTreeMap::new();
        while let Some(answers) = self.clients.join_next().await {
            for (answer, count) in answers.unwrap() {
                *all.entry(answer).or_default() += count;
            }
        }
        all
    }
}

/// Gives a command pipes as its standard input and error.
pub(crate) fn piped(mut command: Command) -> Command {
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Sends a signal to a process.
pub(crate) async fn send(signal: &str, process: &str) {
    let status = Command::new("kill").arg(format!("-{signal}")).arg(process).status().await;
    assert!(status.expect("`kill` is installed").success(), "no process {process}");
}

/// Waits until a process is gone.
pub(crate) async fn gone(process: &str) {
    until(process, |environment| environment.is_none()).await;
}

/// Waits until a process is gone or is a shim.
pub(crate) async fn left(process: &str) {
    let is_shim =
        |bytes: Vec<u8>| bytes.split(|byte| *byte == 0).any(|variable| variable.starts_with(b"GREENROOM_SHIM="));
    until(process, |environment| environment.is_none_or(is_shim)).await;
}

/// Waits for a state of the environment of a process, which is gone with it.
async fn until(process: &str, condition: impl Fn(Option<Vec<u8>>) -> bool) {
    let is_zombie = || fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    let environment = || fs::read(format!("/proc/{process}/environ")).ok().filter(|_| !is_zombie());
    let poll = async {
        while !condition(environment()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, poll).await.unwrap_or_else(|_| panic!("process {process} runs"));
}

/// Returns the name of the release that answers.
pub(crate) async fn ask(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"ping\n").await?;
    answer(&mut stream).await
}

/// Returns the name of the release that answers a request.
pub(crate) async fn answer(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await?;
    let name = answer.strip_suffix(" ping\n").ok_or_else(|| std::io::Error::other(format!("answer {answer:?}")))?;
    Ok(name.to_owned())
}

fn install(program: &Path, release: &str) {
    let mut bytes = fs::read(env!("CARGO_BIN_EXE_release")).unwrap();
    bytes.push(b'\n');
    bytes.extend_from_slice(release.as_bytes());
    replace(program, &bytes, 0o755);
}

/// Puts a file in the place of another, as an installation does.
fn replace(program: &Path, bytes: &[u8], mode: u32) {
    let new = program.with_extension("new");
    let mut file = fs::File::create(&new).unwrap();
    file.write_all(bytes).unwrap();
    file.set_permissions(Permissions::from_mode(mode)).unwrap();
    drop(file);
    fs::rename(&new, program).unwrap();
}
