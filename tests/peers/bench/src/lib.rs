//! What the systems' binaries have in common: the workloads' names and sizes, the flags, and one line of JSON a figure.
//!
//! A binary registers a function for each workload that its system can do and hands over to [`Bench::run`]. A function
//! returns its figures; each tells how much was to be done and how much was counted to be done, and the program fails
//! if these differ.

mod crowd;
mod figure;
pub mod size;

use std::future::Future;
use std::pin::Pin;
use std::process::exit;

pub use crowd::{Crowd, Member};
pub use figure::{Figure, resident};
pub use size::Size;

/// A workload on its way.
pub type Running = Pin<Box<dyn Future<Output = Vec<Figure>> + Send>>;

type Start = Box<dyn FnOnce(Size) -> Running>;

/// One system's workloads.
pub struct Bench {
    system: &'static str,
    workloads: Vec<(&'static str, Start)>,
}

/// What the command line asks for.
pub struct Chosen {
    system: &'static str,
    start: Start,
    size: Size,
    /// How many threads run processes.
    pub threads: Threads,
}

/// On what the processes run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// Two worker threads.
    Two,
    /// The main thread alone.
    Current,
}

impl Bench {
    pub fn new(system: &'static str) -> Bench {
        Bench { system, workloads: Vec::new() }
    }

    /// Adds a sub-command.
    pub fn workload<F>(mut self, name: &'static str, start: impl FnOnce(Size) -> F + 'static) -> Bench
    where
        F: Future<Output = Vec<Figure>> + Send + 'static,
    {
        self.workloads.push((name, Box::new(move |size| Box::pin(start(size)))));
        self
    }

    /// Reads the command line: `WORKLOAD [--current-thread] [--divide N]`. Without a workload it lists them.
    pub fn choose(self) -> Chosen {
        let (mut wanted, mut threads, mut size) = (None, Threads::Two, Size { divisor: 1 });
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--current-thread" => threads = Threads::Current,
                "--divide" => match arguments.next().and_then(|n| n.parse().ok()) {
                    Some(divisor @ 1..) => size = Size { divisor },
                    _ => fail("--divide needs a number from 1"),
                },
                _ => wanted = Some(argument),
            }
        }
        let Some(wanted) = wanted else {
            self.workloads.iter().for_each(|(name, _)| println!("{name}"));
            exit(0);
        };
        let Some((_, start)) = self.workloads.into_iter().find(|(name, _)| *name == wanted) else {
            fail(&format!("{} has no workload `{wanted}`", self.system));
        };
        Chosen { system: self.system, start, size, threads }
    }

    /// Runs what the command line asks for on tokio's runtime.
    pub fn run(self) -> ! {
        self.choose().run_on_tokio(|running| running)
    }
}

impl Chosen {
    /// The workload itself, for a system that brings its own runtime, and what prints its figures.
    pub fn start(self) -> (Running, impl FnOnce(Vec<Figure>)) {
        let threads = match self.threads {
            Threads::Two => 2,
            Threads::Current => 1,
        };
        let system = self.system;
        ((self.start)(self.size), move |figures: Vec<Figure>| {
            for figure in figures {
                if let Err(error) = figure.print(system, threads) {
                    fail(&error);
                }
            }
        })
    }

    /// Runs the workload, in what `wrap` puts around it, on a worker's thread, and ends the program: what it would take
    /// to clean up is no part of any figure.
    pub fn run_on_tokio<F>(self, wrap: impl FnOnce(Running) -> F + Send + 'static) -> !
    where
        F: Future<Output = Vec<Figure>> + Send,
    {
        let mut builder = match self.threads {
            Threads::Two => tokio::runtime::Builder::new_multi_thread(),
            Threads::Current => tokio::runtime::Builder::new_current_thread(),
        };
        let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime");
        let (running, print) = self.start();
        // Made on the worker as well: what it needs from its surroundings it finds there.
        let task = async move { wrap(running).await };
        match runtime.block_on(async { tokio::spawn(task).await }) {
            Ok(figures) => print(figures),
            Err(error) => fail(&format!("the workload failed: {error}")),
        }
        exit(0)
    }
}

/// Says what is wrong and ends the program.
pub fn fail(what: &str) -> ! {
    eprintln!("error: {what}");
    exit(1)
}

/// Panics are part of the workload `restart`: nobody wants to read them.
pub fn crash_silently() {
    std::panic::set_hook(Box::new(|_| {}));
}
