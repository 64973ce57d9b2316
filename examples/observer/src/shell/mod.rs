//! The shell: reads commands from the input, one a line, and writes one answer a line.
//!
//! An answer is a value as JSON, or begins with `error: `. At a terminal, a prompt comes before each command. The exit
//! status is 1 if a command has failed and the input is not a terminal.

mod command;
mod json;
mod run;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use greenroom::prelude::*;
use observer::{Addresses, Target};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use command::Command;
use run::Shell;

/// The longest line of the input, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// Carries out commands until the input ends.
pub(crate) async fn run(target: &Target) -> greenroom::Result<ExitCode> {
    let node = target.attach(&Addresses::default()).await?;
    let done = node.scope(read_commands(&node)).await;
    node.stop().await;
    Ok(done?)
}

async fn read_commands(node: &Node) -> io::Result<ExitCode> {
    let is_interactive = io::stdin().is_terminal();
    let (mut input, mut shell) = (BufReader::new(tokio::io::stdin()), Shell::new(node.clone()));
    let (mut line, mut has_failed) = (String::new(), false);
    loop {
        if is_interactive {
            print!("> ");
            io::stdout().flush()?;
        }
        line.clear();
        if (&mut input).take(MAX_LINE).read_line(&mut line).await? == 0 {
            break;
        }
        let answer = if line.len() as u64 == MAX_LINE && !line.ends_with('\n') {
            // The rest of the line would be taken for other commands.
            writeln!(io::stdout(), "error: the line is too long")?;
            return Ok(ExitCode::FAILURE);
        } else {
            match Command::parse(line.trim()) {
                Ok(None) => continue,
                Ok(Some(Command::Quit)) => break,
                Ok(Some(command)) => shell.carry_out(command).await,
                Err(reason) => Err(reason),
            }
        };
        let mut out = io::stdout().lock();
        match answer {
            Ok(answer) => writeln!(out, "{answer}")?,
            Err(reason) => {
                has_failed = true;
                writeln!(out, "error: {}", one_line(&reason))?;
            }
        }
        out.flush()?;
    }
    Ok(if has_failed && !is_interactive { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Replaces line ends and other control characters, so that a text from a node is one line and no terminal command.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
