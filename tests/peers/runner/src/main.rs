//! Measures all systems repeatedly, and writes tables and charts of the results.
//!
//! `cargo run --release --bin peers -- --book ../../book/src/performance`
//!
//! A round runs every workload of every system once. The order of the systems differs between rounds, so that a slow
//! minute of the machine affects all of them. Rounds are repeated until the time has passed. The results are the median,
//! the minimum and the maximum.

mod builds;
mod chart;
mod page;
mod results;
mod systems;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use results::Results;
use systems::{Paths, SYSTEMS, System};

/// The options of the command line.
struct Options {
    /// The folder for the tables and charts. Without it, only the tables are printed.
    book: Option<PathBuf>,
    /// The results of an earlier run, which are used in place of a measurement.
    from: Option<PathBuf>,
    /// The time for all rounds.
    time: Duration,
    /// The divisor of the sizes of the workloads.
    divisor: u64,
    /// The systems to measure; empty for all.
    systems: Vec<String>,
    /// The workloads to run; empty for all.
    workloads: Vec<String>,
    /// True if the compile times are measured.
    builds: bool,
}

const USAGE: &str = "peers [--book DIRECTORY] [--quick] [--minutes N] [--divide N] [--no-builds]
      [--systems a,b] [--workloads a,b] [--from RESULTS.json]";

/// The workloads of greenroom alone, which show the growth of its costs.
const GROWTH: &[&str] = &["growth_processes", "growth_saved", "growth_bytes", "flood"];

/// The largest divisor with which the workloads are long enough for reliable figures.
const LARGEST_CUT: u64 = 2;

/// The number of rounds with the workloads of [`GROWTH`].
const ROUNDS_OF_GROWTH: u64 = 2;

fn main() -> ExitCode {
    let result = options().and_then(|options| {
        let results = match &options.from {
            Some(path) => read(path)?,
            None => measure(&options)?,
        };
        println!("{}", page::tables(&results));
        options.book.as_deref().map_or(Ok(()), |book| page::write(&results, book))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        book: None,
        from: None,
        time: Duration::from_secs(9 * 60),
        divisor: 2,
        systems: Vec::new(),
        workloads: Vec::new(),
        builds: true,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        let list = |value: String| value.split(',').map(str::to_owned).collect();
        let number = |value: String| value.parse().ok().filter(|n| *n > 0).ok_or(USAGE);
        match argument.as_str() {
            "--book" => options.book = Some(value()?.into()),
            "--from" => options.from = Some(value()?.into()),
            "--quick" => (options.time, options.divisor, options.builds) = (Duration::ZERO, 20, false),
            "--minutes" => options.time = Duration::from_secs(60 * number(value()?)?),
            "--divide" => options.divisor = number(value()?)?,
            "--no-builds" => options.builds = false,
            "--systems" => options.systems = list(value()?),
            "--workloads" => options.workloads = list(value()?),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

fn read(path: &PathBuf) -> Result<Results, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn measure(options: &Options) -> Result<Results, String> {
    let paths = Paths::find()?;
    let mut results = Results::default();
    about(&mut results);
    if options.divisor > LARGEST_CUT {
        results.about.insert("cut".to_owned(), options.divisor.to_string());
    }
    let mut systems = Vec::new();
    for system in SYSTEMS.iter().filter(|system| wanted(&options.systems, system.name)) {
        eprintln!("building {}", system.name);
        if system.build(&paths)? {
            results.about.insert(system.name.to_owned(), system.version(&paths));
            systems.push((system, system.workloads(&paths)));
        } else {
            eprintln!("{} is not installed", system.name);
        }
    }
    if options.builds {
        results.builds = builds::measure(&paths)?;
    }
    let begin = Instant::now();
    loop {
        let round = Instant::now();
        results.rounds += 1;
        run_round(&systems, options, &paths, &mut results);
        systems.rotate_left(1);
        if begin.elapsed() + round.elapsed() > options.time {
            return Ok(results);
        }
    }
}

fn wanted(list: &[String], name: &str) -> bool {
    list.is_empty() || list.iter().any(|wanted| wanted == name)
}

/// Runs one round.
fn run_round(systems: &[(&System, Vec<String>)], options: &Options, paths: &Paths, results: &mut Results) {
    // The workloads of growth take long, and two rounds are enough for a curve.
    let growth = if results.rounds <= ROUNDS_OF_GROWTH { GROWTH } else { &[] };
    let workloads = page::WORKLOADS
        .iter()
        .chain(page::REMOTE_WORKLOADS)
        .chain(growth)
        .filter(|workload| wanted(&options.workloads, workload));
    for workload in workloads {
        // A million actors are started once per round, and growth is measured on one thread.
        let modes: &[u64] = match *workload {
            "crowd1m" | "flood" => &[2],
            // Each of the two programs has two threads.
            remote if page::REMOTE_WORKLOADS.contains(&remote) => &[2],
            growth if GROWTH.contains(&growth) => &[1],
            _ => &[2, 1],
        };
        for threads in modes {
            for (system, _) in systems.iter().filter(|(_, can)| can.iter().any(|can| can == workload)) {
                eprint!("\rround {}: {workload}, {}                ", results.rounds, system.name);
                match system.run(paths, workload, *threads, options.divisor) {
                    Ok(lines) => lines.into_iter().for_each(|line| results.add(system.name, line)),
                    Err(error) => {
                        eprintln!("\n{} failed at {workload} on {threads} thread(s): {error}", system.name);
                        results.add_failure(system.name, workload, *threads);
                    }
                }
            }
        }
    }
    eprintln!();
}

/// Records the machine and the tools of the measurement.
fn about(results: &mut Results) {
    let output_of = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut record = |name: &str, value: Option<String>| {
        results.about.insert(name.to_owned(), value.unwrap_or_else(|| "unknown".to_owned()));
    };
    record("date", output_of("date", &["-u", "+%Y-%m-%d"]));
    record("machine", Some(format!("{}, {cores} cores", model.map_or("unknown", |(_, model)| model.trim()))));
    record("kernel", output_of("uname", &["-sr"]));
    record("rustc", output_of("rustc", &["--version"]));
}
