//! The systems, which this module builds and runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// A system that is compared.
pub struct System {
    pub name: &'static str,
    /// The name of the crate in the lock file, if the system is a library in it.
    pub library: Option<&'static str>,
    /// True if its folder is a workspace of its own.
    pub own_workspace: bool,
}

pub const SYSTEMS: &[System] = &[
    System::new("greenroom", None),
    System::new("limit", None),
    System::new("mpsc", Some("tokio")),
    System::new("tcp", Some("tokio")),
    System::new("erlang", None),
    System::new("ractor", Some("ractor")),
    System { own_workspace: true, ..System::new("ractor_cluster", Some("ractor_cluster")) },
    System::new("kameo", Some("kameo")),
    System::new("actix", Some("actix")),
    System::new("xtra", Some("xtra")),
    System::new("hydra", Some("hydra")),
];

/// The time limit of a workload, which fails after it.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// A figure in the output of a binary.
#[derive(Deserialize)]
pub struct Line {
    pub workload: String,
    pub threads: u64,
    pub value: f64,
    pub unit: String,
}

/// The folders of the sources and the binaries.
pub struct Paths {
    /// `tests/peers`.
    pub workspace: PathBuf,
    /// The folder of the binaries.
    pub binaries: PathBuf,
}

impl Paths {
    /// # Errors
    /// The path of this program is unknown.
    pub fn find() -> Result<Paths, String> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the runner is not in a workspace")?;
        let here = std::env::current_exe().map_err(|error| error.to_string())?;
        let binaries = here.parent().ok_or("the program has no folder")?;
        Ok(Paths { workspace: workspace.to_owned(), binaries: binaries.to_owned() })
    }
}

impl System {
    const fn new(name: &'static str, library: Option<&'static str>) -> System {
        System { name, library, own_workspace: false }
    }

    /// Builds the system alone, so that no other system turns on Cargo features of its dependencies. Returns `false` if
    /// it is not installed.
    ///
    /// # Errors
    /// The system does not compile.
    pub fn build(&self, paths: &Paths) -> Result<bool, String> {
        if self.name == "erlang" {
            let mut erlc = Command::new("erlc");
            erlc.arg("-o").arg(&paths.binaries);
            for module in ["bench", "bench_remote", "bench_server"] {
                erlc.arg(paths.workspace.join("erlang").join(module).with_extension("erl"));
            }
            return match erlc.status() {
                Ok(status) if status.success() => Ok(true),
                Ok(status) => Err(format!("erlc: {status}")),
                Err(_) => Ok(false),
            };
        }
        let mut cargo = Command::new("cargo");
        cargo.current_dir(self.workspace(paths)).args(["build", "--release", "--quiet", "-p"]);
        cargo.arg(format!("peer-{}", self.name));
        // All workspaces use one target folder.
        cargo.arg("--target-dir").arg(paths.binaries.join(".."));
        let status = cargo.status().map_err(|error| error.to_string())?;
        if status.success() { Ok(true) } else { Err(format!("{} does not compile", self.name)) }
    }

    /// Returns the version.
    pub fn version(&self, paths: &Paths) -> String {
        if self.name == "erlang" {
            let mut erl = Command::new("erl");
            erl.args(["-noshell", "-eval", "io:put_chars(erlang:system_info(otp_release)), halt()."]);
            let output = erl.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            return format!("OTP {}", output.unwrap_or_default().trim());
        }
        let lock = std::fs::read_to_string(self.workspace(paths).join("Cargo.lock")).unwrap_or_default();
        let name = self.library.unwrap_or(if self.name == "limit" { "tokio" } else { "greenroom" });
        let entry = format!("name = \"{name}\"\nversion = \"");
        let version = lock.split(&entry).nth(1).and_then(|rest| rest.split('"').next());
        version.unwrap_or("?").to_owned()
    }

    /// Returns the names of the workloads that it has.
    pub fn workloads(&self, paths: &Paths) -> Vec<String> {
        let mut command = match self.name {
            "erlang" => erl(paths, 1),
            _ => Command::new(self.binary(paths)),
        };
        let output = command.output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).lines().map(str::to_owned).collect()
    }

    /// Returns the folder of the workspace that it belongs to.
    fn workspace(&self, paths: &Paths) -> PathBuf {
        if self.own_workspace { paths.workspace.join(self.name) } else { paths.workspace.clone() }
    }

    fn binary(&self, paths: &Paths) -> PathBuf {
        paths.binaries.join(format!("peer-{}", self.name))
    }

    /// Runs one workload.
    ///
    /// # Errors
    /// The workload fails, counts another number of operations, or exceeds the time limit.
    pub fn run(&self, paths: &Paths, workload: &str, threads: u64, divisor: u64) -> Result<Vec<Line>, String> {
        let mut command = match self.name {
            "erlang" => erl(paths, threads),
            _ => Command::new(self.binary(paths)),
        };
        command.arg(workload);
        match self.name {
            "erlang" => command.arg(divisor.to_string()),
            _ => command.args(["--divide", &divisor.to_string()]),
        };
        if self.name != "erlang" && threads == 1 {
            command.arg("--current-thread");
        }
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let begin = Instant::now();
        while child.try_wait().map_err(|error| error.to_string())?.is_none() {
            if begin.elapsed() > TIME_LIMIT {
                child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
                return Err(format!("not finished after {TIME_LIMIT:?}"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(errors.lines().find(|line| !line.is_empty()).unwrap_or("failed without a message").to_owned());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))).collect()
    }
}

fn erl(paths: &Paths, threads: u64) -> Command {
    let mut command = Command::new("erl");
    command.args(["-noshell", "+S", &format!("{threads}:{threads}"), "+P", "2000000", "-pa"]);
    command.arg(&paths.binaries).args(["-run", "bench", "main"]);
    command
}
