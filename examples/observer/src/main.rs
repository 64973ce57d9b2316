//! The program that attaches to a cluster from outside.

mod args;
mod shell;
#[cfg(feature = "terminal")]
mod terminal;

use std::net::SocketAddr;
use std::process::ExitCode;

use args::{Command, HELP};
use greenroom::{Application, Shutdown, prelude::*};
use observer::{Addresses, ObserverTree, Target};

/// The time that the observer's processes may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Command::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Command::Page { target, address, actions }) => page(&target, address, actions).await,
        #[cfg(feature = "terminal")]
        Ok(Command::Terminal(target)) => terminal::run(&target).await,
        #[cfg(not(feature = "terminal"))]
        Ok(Command::Terminal(_)) => Err(Exit::error("built without the feature `terminal`")),
        Ok(Command::Shell(target)) => match shell::run(&target).await {
            Ok(status) => return status,
            Err(error) => Err(error),
        },
        Err(reason) => {
            eprintln!("observer: {reason}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("observer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves the page until a signal ends the program.
async fn page(target: &Target, address: SocketAddr, actions: bool) -> greenroom::Result {
    let addresses = Addresses::default();
    let node = target.attach(&addresses).await?;
    let serve = async {
        let tree = ObserverTree::of_cluster(address, addresses, actions);
        Application::new("observer", tree).start().await?;
        println!("the page is at http://{address}");
        std::future::pending::<greenroom::Result>().await
    };
    node.run(Shutdown::After(STOP_TIMEOUT), serve).await
}
