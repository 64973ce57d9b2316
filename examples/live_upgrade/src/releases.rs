//! The releases of the program on disk, and the process that runs one of them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use greenroom::prelude::*;

/// Builds both releases, unless the argument `--built` states that they are, and returns their files.
pub(crate) fn build() -> greenroom::Result<[PathBuf; 2]> {
    let own = std::env::current_exe()?;
    let files = ["first", "second"].map(|release| own.with_file_name(release));
    if !std::env::args().any(|argument| argument == "--built") {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let release = (!cfg!(debug_assertions)).then_some("--release");
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let built =
            Command::new(cargo).args(["build", "--bins", "--manifest-path", manifest]).args(release).status()?;
        if !built.success() {
            return Err(Exit::error("cargo could not build the releases"));
        }
    }
    Ok(files)
}

/// Replaces the program's file, which may be running.
pub(crate) fn install(release: &Path, program: &Path) -> greenroom::Result {
    let new = program.with_extension("new");
    std::fs::copy(release, &new)?;
    Ok(std::fs::rename(new, program)?)
}

/// The process that the program was started as. Over upgrades it stays, and forwards signals.
pub(crate) struct Shop(pub(crate) Child);

impl Shop {
    pub(crate) fn signal(&self, signal: &str) -> greenroom::Result {
        // The standard library sends no signal but SIGKILL, and every Unix has `kill`.
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.0.id().to_string()).status()?;
        if sent.success() { Ok(()) } else { Err(Exit::error("the program has ended")) }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.signal("TERM");
        let _ = self.0.wait();
    }
}
