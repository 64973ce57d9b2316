//! Both nodes, started by one command.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use greenroom::prelude::*;

use crate::ping;

/// Starts pong as an operating system process and plays against it. Both nodes use a random cookie.
pub(crate) async fn both() -> greenroom::Result {
    let cookie = Cookie::random()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["pong", "any"])
        .env(Cookie::VARIABLE, cookie.expose())
        .stdout(Stdio::piped())
        .spawn()?;
    let outcome = play(&mut child, cookie).await;
    if outcome.is_err() {
        // The pong process may still wait for a game.
        let _ = child.kill();
    }
    child.wait()?;
    outcome
}

async fn play(child: &mut Child, cookie: Cookie) -> greenroom::Result {
    let output = child.stdout.take().ok_or_else(|| Exit::error("pong has no output"))?;
    let mut lines = BufReader::new(output).lines();
    let first = lines.next().ok_or_else(|| Exit::error("pong did not start"))??;
    let address = first.rsplit(' ').next().unwrap_or_default();
    let echo = std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| println!("{line}")));
    let outcome = ping(address, cookie).await;
    if outcome.is_ok() {
        // Pong's last output comes after ping's.
        echo.join().map_err(|_| Exit::error("cannot print the output of pong"))?;
    }
    outcome
}
