//! `instructions check|write`: counts how many instructions each hot path takes, with valgrind's cachegrind, and compares
//! with what `tests/instructions.json` says; `write` puts the new counts there.
//!
//! `cargo run --release -p greenroom-tests --bin instructions -- check`
//!
//! Instructions, unlike seconds, are the same on a busy machine and on a slow one. They are not the same for another
//! compiler, which is why the toolchain is pinned, and not quite for another processor or C library, which choose how
//! `memcpy` and its like are done: for that, and for what hashes at random, there is a tolerance. A path that got better
//! by more than that fails as well: then `write` keeps what was won.

mod paths;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// How often a path is walked: the difference is what counts.
const TIMES: (u64, u64) = (500, 2_000);

/// How far a count may be off.
const TOLERANCE: f64 = 0.05;

type Counts = BTreeMap<String, u64>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check"] => check(),
        ["write"] => write(),
        // What is run with valgrind: the program itself.
        ["walk", path, times] => times.parse().map_err(|_| times.to_owned()).and_then(|times| paths::walk(path, times)),
        _ => Err("instructions check|write".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(), String> {
    let kept = read()?;
    let mut off = Vec::new();
    println!("{:<24} {:>10} {:>10} {:>8}", "instructions", "kept", "now", "change");
    for (path, now) in count()? {
        let kept = *kept.get(&path).ok_or_else(|| format!("no count is kept for `{path}`: `instructions write`"))?;
        let change = now as f64 / kept as f64 - 1.0;
        println!("{path:<24} {kept:>10} {now:>10} {:>7.1} %", change * 100.0);
        if change.abs() > TOLERANCE {
            off.push(path);
        }
    }
    if off.is_empty() {
        return Ok(());
    }
    let percent = TOLERANCE * 100.0;
    Err(format!("off by more than {percent} %: {}. If that is as it should be: `instructions write`", off.join(", ")))
}

fn write() -> Result<(), String> {
    let counts = count()?;
    let text = serde_json::to_string_pretty(&counts).map_err(|error| error.to_string())?;
    println!("{text}");
    std::fs::write(file(), text + "\n").map_err(|error| error.to_string())
}

fn read() -> Result<Counts, String> {
    let text = std::fs::read_to_string(file()).map_err(|error| format!("{}: {error}", file().display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file().display()))
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

/// How many instructions each path takes once.
fn count() -> Result<Counts, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let (few, many) = TIMES;
    let counted = paths::PATHS.iter().map(|path| {
        let (less, more) = (instructions(&here, path, few)?, instructions(&here, path, many)?);
        Ok(((*path).to_owned(), more.saturating_sub(less) / (many - few)))
    });
    counted.collect()
}

/// How many instructions the program takes to walk the path so often.
fn instructions(program: &Path, path: &str, times: u64) -> Result<u64, String> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    valgrind.arg(program).args(["walk", path, &times.to_string()]);
    let output = valgrind.output().map_err(|error| format!("valgrind: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("`{path}` fails: {told}"));
    }
    let refs = told.lines().find_map(|line| line.split_once("I   refs:").or_else(|| line.split_once("I refs:")));
    let refs = refs.and_then(|(_, count)| count.trim().replace(',', "").parse().ok());
    refs.ok_or_else(|| format!("valgrind does not tell how many instructions `{path}` takes: {told}"))
}
