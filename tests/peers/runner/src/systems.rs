//! The systems, and how each is built and run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// One of those that are compared.
pub struct System {
    pub name: &'static str,
    /// Its crate, to be found in the lock file; none for what is no crate of its own.
    pub library: Option<&'static str>,
}

pub const SYSTEMS: &[System] = &[
    System { name: "greenroom", library: None },
    System { name: "limit", library: None },
    System { name: "mpsc", library: Some("tokio") },
    System { name: "erlang", library: None },
    System { name: "ractor", library: Some("ractor") },
    System { name: "kameo", library: Some("kameo") },
    System { name: "actix", library: Some("actix") },
    System { name: "xtra", library: Some("xtra") },
    System { name: "hydra", library: Some("hydra") },
];

/// How long a workload may take; one that hangs is a failure, as one that miscounts.
const PATIENCE: Duration = Duration::from_secs(120);

/// One figure, as a binary prints it.
#[derive(Deserialize)]
pub struct Line {
    pub workload: String,
    pub threads: u64,
    pub value: f64,
    pub unit: String,
}

/// Where things lie.
pub struct Places {
    /// `tests/peers`.
    pub workspace: PathBuf,
    /// Where the binaries are.
    pub binaries: PathBuf,
}

impl Places {
    /// # Errors
    /// The program does not know where it is.
    pub fn find() -> Result<Places, String> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the runner lies in a workspace")?;
        let here = std::env::current_exe().map_err(|error| error.to_string())?;
        let binaries = here.parent().ok_or("a program lies somewhere")?;
        Ok(Places { workspace: workspace.to_owned(), binaries: binaries.to_owned() })
    }
}

impl System {
    /// Builds it: by itself, so that nobody's features are turned on by a neighbour. `false` if it is not to be had here.
    ///
    /// # Errors
    /// It does not compile.
    pub fn build(&self, places: &Places) -> Result<bool, String> {
        if self.name == "erlang" {
            let mut erlc = Command::new("erlc");
            erlc.arg("-o").arg(&places.binaries);
            for module in ["bench", "bench_server"] {
                erlc.arg(places.workspace.join("erlang").join(module).with_extension("erl"));
            }
            return match erlc.status() {
                Ok(status) if status.success() => Ok(true),
                Ok(status) => Err(format!("erlc: {status}")),
                Err(_) => Ok(false),
            };
        }
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&places.workspace).args(["build", "--release", "--quiet", "-p"]);
        let status = cargo.arg(format!("peer-{}", self.name)).status().map_err(|error| error.to_string())?;
        if status.success() { Ok(true) } else { Err(format!("{} does not compile", self.name)) }
    }

    /// Which version it is.
    pub fn version(&self, places: &Places) -> String {
        if self.name == "erlang" {
            let mut erl = Command::new("erl");
            erl.args(["-noshell", "-eval", "io:put_chars(erlang:system_info(otp_release)), halt()."]);
            let output = erl.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            return format!("OTP {}", output.unwrap_or_default().trim());
        }
        let lock = std::fs::read_to_string(places.workspace.join("Cargo.lock")).unwrap_or_default();
        let name = self.library.unwrap_or(if self.name == "limit" { "tokio" } else { "greenroom" });
        let entry = format!("name = \"{name}\"\nversion = \"");
        let version = lock.split(&entry).nth(1).and_then(|rest| rest.split('"').next());
        version.unwrap_or("?").to_owned()
    }

    /// What it can do.
    pub fn workloads(&self, places: &Places) -> Vec<String> {
        let mut command = match self.name {
            "erlang" => erl(places, 1),
            _ => Command::new(self.binary(places)),
        };
        let output = command.output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).lines().map(str::to_owned).collect()
    }

    fn binary(&self, places: &Places) -> PathBuf {
        places.binaries.join(format!("peer-{}", self.name))
    }

    /// Runs one workload.
    ///
    /// # Errors
    /// It fails, counts wrong, or takes too long.
    pub fn run(&self, places: &Places, workload: &str, threads: u64, divisor: u64) -> Result<Vec<Line>, String> {
        let mut command = match self.name {
            "erlang" => erl(places, threads),
            _ => Command::new(self.binary(places)),
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
            if begin.elapsed() > PATIENCE {
                child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
                return Err(format!("not through after {PATIENCE:?}"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(told.lines().find(|line| !line.is_empty()).unwrap_or("failed without a word").to_owned());
        }
        let told = String::from_utf8_lossy(&output.stdout);
        told.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))).collect()
    }
}

fn erl(places: &Places, threads: u64) -> Command {
    let mut command = Command::new("erl");
    command.args(["-noshell", "+S", &format!("{threads}:{threads}"), "+P", "2000000", "-pa"]);
    command.arg(&places.binaries).args(["-run", "bench", "main"]);
    command
}
