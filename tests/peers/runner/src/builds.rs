//! The time to compile a first actor with each library: a full build, and a build after a change of the program.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::results::Build;
use crate::systems::Paths;

/// Programs with one actor: the name, the dependencies and the source.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("greenroom", "greenroom = { path = \"GREENROOM\" }", include_str!("../hello/greenroom.rs")),
    (
        "greenroom, local only",
        "greenroom = { path = \"GREENROOM\", default-features = false }",
        include_str!("../hello/greenroom.rs"),
    ),
    (
        "greenroom, supervised",
        "greenroom = { path = \"GREENROOM\", default-features = false, features = [\"supervision\"] }",
        include_str!("../hello/greenroom.rs"),
    ),
    ("macros alone", "greenroom-macros = { path = \"MACROS\" }", include_str!("../hello/nothing.rs")),
    (
        "mpsc",
        "tokio = { version = \"1\", features = [\"rt-multi-thread\", \"sync\", \"macros\"] }",
        include_str!("../hello/mpsc.rs"),
    ),
    (
        "ractor",
        "ractor = \"0.16\"\ntokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }",
        include_str!("../hello/ractor.rs"),
    ),
    (
        "kameo",
        "kameo = \"0.22\"\ntokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }",
        include_str!("../hello/kameo.rs"),
    ),
    ("actix", "actix = \"0.13\"", include_str!("../hello/actix.rs")),
    (
        "xtra",
        "xtra = { version = \"0.6\", features = [\"macros\", \"tokio\"] }\ntokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }",
        include_str!("../hello/xtra.rs"),
    ),
    (
        "hydra",
        "hydra = \"0.1\"\nserde = { version = \"1\", features = [\"derive\"] }",
        include_str!("../hello/hydra.rs"),
    ),
];

/// Builds each program in a debug build on all cores.
///
/// # Errors
/// A program does not compile.
pub fn measure(paths: &Paths) -> Result<Vec<Build>, String> {
    PROGRAMS.iter().map(|(system, dependencies, program)| build(paths, system, dependencies, program)).collect()
}

fn build(paths: &Paths, system: &str, dependencies: &str, program: &str) -> Result<Build, String> {
    eprintln!("building a first actor: {system}");
    let text = |error: std::io::Error| error.to_string();
    let repository = paths.workspace.join("../..");
    let dependencies = dependencies
        .replace("GREENROOM", &repository.join("runtime").to_string_lossy())
        .replace("MACROS", &repository.join("macros").to_string_lossy());
    let folder = paths.binaries.join("hello").join(system.replace([' ', ','], "_"));
    // The full build starts without a target folder.
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(text)?;
    }
    fs::create_dir_all(folder.join("src")).map_err(text)?;
    // Cargo compiles a dependency on disk incrementally, which takes half as long again. All other libraries are from a
    // registry, and greenroom is compiled as those are.
    let not_incremental = "[profile.dev.package.\"*\"]\nincremental = false\n";
    let manifest = format!(
        "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n\n{not_incremental}\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).map_err(text)?;
    // With this lock file, the versions are those of the workspace.
    fs::copy(paths.workspace.join("Cargo.lock"), folder.join("Cargo.lock")).map_err(text)?;
    fs::write(folder.join("src/main.rs"), program).map_err(text)?;
    // Missing dependencies are downloaded now, so that the measured time is that of compilation.
    let fetched = Command::new("cargo").current_dir(&folder).args(["fetch", "--quiet"]).status().map_err(text)?;
    if !fetched.success() {
        return Err(format!("cannot download the dependencies of {system}"));
    }
    let crates = crates(&folder)?;
    let seconds = compile(&folder)?;
    let changed = format!("{program}\npub fn changed() -> u64 {{\n    42\n}}\n");
    fs::write(folder.join("src/main.rs"), changed).map_err(text)?;
    let edit = compile(&folder)?;
    Ok(Build { system: system.to_owned(), crates, seconds, edit })
}

/// Runs `cargo build` and returns its time in seconds.
fn compile(folder: &Path) -> Result<f64, String> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(folder).args(["build", "--offline", "--quiet"]);
    cargo.env("CARGO_TARGET_DIR", folder.join("target")).env_remove("CARGO_INCREMENTAL").env("RUSTFLAGS", "-Awarnings");
    let begin = Instant::now();
    let status = cargo.status().map_err(|error| error.to_string())?;
    if status.success() {
        Ok(begin.elapsed().as_secs_f64())
    } else {
        Err(format!("{} does not compile", folder.display()))
    }
}

/// Returns the number of compiled crates without the program's own.
fn crates(folder: &Path) -> Result<u64, String> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(folder).args(["tree", "--offline", "--prefix", "none", "--edges", "normal,build"]);
    let output = cargo.args(["--format", "{p}"]).output().map_err(|error| error.to_string())?;
    let output = String::from_utf8_lossy(&output.stdout);
    let names: std::collections::BTreeSet<_> = output.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let names = names.iter().filter(|name| !name.is_empty() && !name.starts_with("hello "));
    Ok(names.count() as u64)
}
