//! A program without a tracing subscriber in which seven processes fail. With an argument, a process panics a second
//! time while its first panic unwinds, which aborts the program.

use greenroom::prelude::*;

#[protocol(local)]
enum Job {
    Print,
}

#[actor(protocol = Job)]
struct Printer;

impl Process for Printer {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx {
            Job::Print => Err(Exit::error("paper jam")),
        })
    }
}

/// Panics, and panics again when the first panic drops it. Rust aborts the program then.
#[actor(protocol = Job)]
struct PanicsInDrop;

impl Process for PanicsInDrop {
    async fn run(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        panic!("paper jam");
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("no toner");
    }
}

#[greenroom::main]
async fn main() {
    if std::env::args().len() > 1 {
        PanicsInDrop.spawn().ended().await;
    }
    for _ in 0..7 {
        let printer = Printer.spawn();
        printer.print();
        printer.ended().await;
    }
}
