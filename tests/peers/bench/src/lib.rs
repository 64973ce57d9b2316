//! The common parts of the systems' binaries: the names and sizes of the workloads, the flags, and the output, which is
//! one line of JSON for each figure.
//!
//! A binary registers a function for each workload of its system, and calls [`Bench::run`]. A function returns its
//! figures. Each has the number of operations to perform and the number that was counted, and the program fails if these
//! differ.
//!
//! A system with workloads between two nodes also registers a server, which runs in a second program.

mod crowd;
mod figure;
mod server;
pub mod size;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::process::exit;

pub use crowd::{Crowd, Member};
pub use figure::{Figure, resident};
pub use server::{COOKIE, ServerProcess, announce, free_port};
pub use size::Size;

/// A running workload.
pub type Running = Pin<Box<dyn Future<Output = Vec<Figure>> + Send>>;

type Start = Box<dyn FnOnce(Size) -> Running>;

/// The workloads of a system.
pub struct Bench {
    system: &'static str,
    workloads: Vec<(&'static str, Start)>,
    server: Option<Start>,
}

/// The workload that the command line selects.
pub struct Chosen {
    system: &'static str,
    start: Start,
    size: Size,
    /// The threads that run processes.
    pub threads: Threads,
}

/// The threads of a runtime.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// Two worker threads.
    Two,
    /// The main thread alone.
    Current,
}

impl Threads {
    /// The command-line argument for [`Threads::Current`].
    pub(crate) const CURRENT: &str = "--current-thread";
}

impl Bench {
    pub fn new(system: &'static str) -> Bench {
        Bench { system, workloads: Vec::new(), server: None }
    }

    /// Adds a workload.
    pub fn workload<F>(mut self, name: &'static str, start: impl FnOnce(Size) -> F + 'static) -> Bench
    where
        F: Future<Output = Vec<Figure>> + Send + 'static,
    {
        self.workloads.push((name, Box::new(move |size| Box::pin(start(size)))));
        self
    }

    /// Sets the server of the workloads between two nodes. It calls [`announce`] when it listens, and never returns.
    pub fn server<F>(mut self, serve: impl FnOnce() -> F + 'static) -> Bench
    where
        F: Future<Output = Infallible> + Send + 'static,
    {
        self.server = Some(Box::new(|_| {
            let serving = serve();
            Box::pin(async move { match serving.await {} })
        }));
        self
    }

    /// Parses the command line: `WORKLOAD [--current-thread] [--divide N]`. Without a workload, prints their names.
    pub fn choose(self) -> Chosen {
        let (mut wanted, mut threads, mut size) = (None, Threads::Two, Size { divisor: 1 });
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                Threads::CURRENT => threads = Threads::Current,
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
        let workload = self.workloads.into_iter().find(|(name, _)| *name == wanted).map(|(_, start)| start);
        let server = self.server.filter(|_| wanted == server::ARGUMENT);
        let Some(start) = workload.or(server) else {
            fail(&format!("{} has no workload `{wanted}`", self.system));
        };
        Chosen { system: self.system, start, size, threads }
    }

    /// Runs the selected workload on tokio's runtime.
    pub fn run(self) -> ! {
        self.choose().run_on_tokio(|running| running)
    }
}

impl Chosen {
    /// Returns the workload, for a system with a runtime of its own, and a function that prints its figures.
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

    /// Runs the workload, wrapped by `wrap`, on a worker thread, and ends the program. Nothing is cleaned up, because that
    /// is not part of a figure.
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
        // `wrap` runs on the worker as well, where it finds the context of the runtime.
        let task = async move { wrap(running).await };
        match runtime.block_on(async { tokio::spawn(task).await }) {
            Ok(figures) => print(figures),
            Err(error) => fail(&format!("the workload failed: {error}")),
        }
        exit(0)
    }
}

/// Prints an error and ends the program.
pub fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    exit(1)
}

/// Turns off the messages of panics, which are part of the workload `restart`.
pub fn crash_silently() {
    std::panic::set_hook(Box::new(|_| {}));
}
