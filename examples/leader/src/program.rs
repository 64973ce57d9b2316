//! A node as a process of the operating system.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;

use greenroom::Cookie;

/// A node in a process of its own. It is killed at the latest when this program ends.
pub(crate) struct Program {
    pub(crate) process: Child,
    pub(crate) address: String,
}

impl Program {
    /// Starts a node with these seeds. The lines that it prints go to `lines`, with its name in front.
    pub(crate) fn start(
        name: &'static str,
        seeds: &[&str],
        cookie: &Cookie,
        lines: &Sender<String>,
    ) -> greenroom::Result<Program> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(name)
            .args(seeds)
            .env(Cookie::VARIABLE, cookie.expose())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the node has no output")?;
        let mut output = BufReader::new(output).lines();
        let address = output.next().ok_or("the node did not start")??;
        println!("{name} is the process {} and listens at {address}", process.id());
        let lines = lines.clone();
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                // Fails when the program ends.
                let _ = lines.send(format!("{name} {line}"));
            }
        });
        Ok(Program { process, address })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
