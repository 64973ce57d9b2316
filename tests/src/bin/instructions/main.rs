//! `instructions check|write`: counts the instructions of each hot path with valgrind's cachegrind. `check` compares
//! them with the stored counts in `tests/instructions.json`; `write` stores the new counts.
//!
//! `cargo run --profile instructions -p greenroom-tests --bin instructions -- check`
//!
//! The number of instructions, unlike the time, does not depend on the load or the speed of the machine. It depends on
//! the compiler, so the toolchain is pinned. It also depends slightly on the processor and the C library, which select
//! an implementation of `memcpy` and similar functions, and on random hashes. A tolerance covers these differences. An
//! improvement beyond the tolerance fails as well: `write` then stores the lower count, so that it is not lost again.

mod paths;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The two numbers of repetitions of a path. The difference of their counts excludes the start of the program.
const REPETITIONS: (u64, u64) = (500, 2_000);

/// The greatest relative change of a count that passes.
const TOLERANCE: f64 = 0.05;

type Counts = BTreeMap<String, u64>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check"] => check(),
        ["write"] => write(),
        // The command line with which this program starts itself under valgrind.
        ["run", path, times] => times.parse().map_err(|_| times.to_owned()).and_then(|times| paths::run(path, times)),
        _ => Err("usage: instructions check|write".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(), String> {
    let stored = read()?;
    let mut changed = Vec::new();
    println!("{:<24} {:>10} {:>10} {:>8}", "instructions", "stored", "now", "change");
    for (path, now) in count()? {
        let stored =
            *stored.get(&path).ok_or_else(|| format!("no count of `{path}` is stored; run `instructions write`"))?;
        let change = now as f64 / stored as f64 - 1.0;
        println!("{path:<24} {stored:>10} {now:>10} {:>7.1} %", change * 100.0);
        if change.abs() > TOLERANCE {
            changed.push(path);
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let (percent, changed) = (TOLERANCE * 100.0, changed.join(", "));
    Err(format!("changed by more than {percent} %: {changed}; if this is intended, run `instructions write`"))
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

/// Counts the instructions of one repetition of each path.
fn count() -> Result<Counts, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let (few, many) = REPETITIONS;
    let counted = paths::PATHS.iter().map(|path| {
        let (less, more) = (instructions(&program, path, few)?, instructions(&program, path, many)?);
        Ok(((*path).to_owned(), more.saturating_sub(less) / (many - few)))
    });
    counted.collect()
}

/// Counts the instructions of the program with so many repetitions of the path.
fn instructions(program: &Path, path: &str, times: u64) -> Result<u64, String> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    valgrind.arg(program).args(["run", path, &times.to_string()]);
    let output = valgrind.output().map_err(|error| format!("cannot run valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("`{path}` failed: {text}"));
    }
    let refs = text.lines().find_map(|line| line.split_once("I   refs:").or_else(|| line.split_once("I refs:")));
    let refs = refs.and_then(|(_, count)| count.trim().replace(',', "").parse().ok());
    refs.ok_or_else(|| format!("valgrind printed no number of instructions for `{path}`: {text}"))
}
