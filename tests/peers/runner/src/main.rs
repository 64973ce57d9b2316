//! Measures all systems in turn, again and again, and writes down what came out.
//!
//! `cargo run --release --bin peers -- --book ../../book/src/performance`
//!
//! A round runs every workload of every system once, the systems one after the other and each round in another order, so
//! that a slow minute of the machine meets everybody. Rounds go on until the time is up. What is told is the median, with
//! the least and the most.

mod builds;
mod chart;
mod page;
mod results;
mod systems;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use results::Results;
use systems::{Places, SYSTEMS, System};

/// What the command line asks for.
struct Options {
    /// Where the tables and charts go; none: only the table is printed.
    book: Option<PathBuf>,
    /// What is told again instead of measured.
    from: Option<PathBuf>,
    /// How long to go on with rounds.
    time: Duration,
    /// By how much the workloads are cut.
    divisor: u64,
    /// Only these, if there are any.
    systems: Vec<String>,
    workloads: Vec<String>,
    builds: bool,
}

const USAGE: &str = "peers [--book DIRECTORY] [--quick] [--minutes N] [--divide N] [--no-builds]
      [--systems a,b] [--workloads a,b] [--from RESULTS.json]";

/// What greenroom alone is asked: how its costs grow.
const GROWTH: &[&str] = &["growth_processes", "growth_saved", "growth_bytes", "flood"];

/// Workloads that are cut more than this are too short for figures that one could trust.
const LARGEST_CUT: u64 = 2;

/// In how many rounds it is asked that.
const ROUNDS_OF_GROWTH: u64 = 2;

fn main() -> ExitCode {
    let done = options().and_then(|options| {
        let results = match &options.from {
            Some(path) => read(path)?,
            None => measure(&options)?,
        };
        println!("{}", page::whole(&results));
        options.book.as_deref().map_or(Ok(()), |book| page::write(&results, book))
    });
    match done {
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
    let places = Places::find()?;
    let mut results = Results::default();
    about(&mut results);
    if options.divisor > LARGEST_CUT {
        results.about.insert("cut".to_owned(), options.divisor.to_string());
    }
    let mut systems = Vec::new();
    for system in SYSTEMS.iter().filter(|system| wanted(&options.systems, system.name)) {
        eprintln!("building {}", system.name);
        if system.build(&places)? {
            results.about.insert(system.name.to_owned(), system.version(&places));
            systems.push((system, system.workloads(&places)));
        } else {
            eprintln!("{} is not to be had here", system.name);
        }
    }
    if options.builds {
        results.builds = builds::measure(&places)?;
    }
    let begin = Instant::now();
    loop {
        let round = Instant::now();
        results.rounds += 1;
        play(&systems, options, &places, &mut results);
        systems.rotate_left(1);
        if begin.elapsed() + round.elapsed() > options.time {
            return Ok(results);
        }
    }
}

fn wanted(list: &[String], name: &str) -> bool {
    list.is_empty() || list.iter().any(|wanted| wanted == name)
}

/// One round.
fn play(systems: &[(&System, Vec<String>)], options: &Options, places: &Places, results: &mut Results) {
    // Growth takes long, and a curve is seen the first time.
    let growth = if results.rounds <= ROUNDS_OF_GROWTH { GROWTH } else { &[] };
    let workloads = page::WORKLOADS.iter().chain(growth).filter(|workload| wanted(&options.workloads, workload));
    for workload in workloads {
        // A million of them are there once a round, and growth is a matter of one thread.
        let modes: &[u64] = match *workload {
            "crowd1m" | "flood" => &[2],
            growth if GROWTH.contains(&growth) => &[1],
            _ => &[2, 1],
        };
        for threads in modes {
            for (system, _) in systems.iter().filter(|(_, can)| can.iter().any(|can| can == workload)) {
                eprint!("\rround {}: {workload}, {}                ", results.rounds, system.name);
                match system.run(places, workload, *threads, options.divisor) {
                    Ok(lines) => lines.into_iter().for_each(|line| results.add(system.name, line)),
                    Err(error) => {
                        eprintln!("\n{} fails at {workload} on {threads}: {error}", system.name);
                        results.add_failure(system.name, workload, *threads);
                    }
                }
            }
        }
    }
    eprintln!();
}

/// What the figures were measured on.
fn about(results: &mut Results) {
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut tell = |what: &str, value: Option<String>| {
        results.about.insert(what.to_owned(), value.unwrap_or_else(|| "unknown".to_owned()));
    };
    tell("date", told("date", &["-u", "+%Y-%m-%d"]));
    tell("machine", Some(format!("{}, {cores} cores", model.map_or("unknown", |(_, model)| model.trim()))));
    tell("kernel", told("uname", &["-sr"]));
    tell("rustc", told("rustc", &["--version"]));
}
