//! What it takes to compile a first actor with each library: from nothing, and after a change in it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::results::Build;
use crate::systems::Places;

/// A program with one actor, and what it depends on.
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

/// Builds each program, in debug, with all cores.
///
/// # Errors
/// One does not compile.
pub fn measure(places: &Places) -> Result<Vec<Build>, String> {
    PROGRAMS.iter().map(|(system, dependencies, program)| build(places, system, dependencies, program)).collect()
}

fn build(places: &Places, system: &str, dependencies: &str, program: &str) -> Result<Build, String> {
    eprintln!("building a first actor: {system}");
    let told = |error: std::io::Error| error.to_string();
    let house = places.workspace.join("../..");
    let dependencies = dependencies
        .replace("GREENROOM", &house.join("runtime").to_string_lossy())
        .replace("MACROS", &house.join("macros").to_string_lossy());
    let place = places.binaries.join("hello").join(system.replace([' ', ','], "_"));
    // From nothing.
    if place.exists() {
        fs::remove_dir_all(&place).map_err(told)?;
    }
    fs::create_dir_all(place.join("src")).map_err(told)?;
    // greenroom lies here on disk, and what does so is compiled for changes to come, which takes half as long again. Whoever
    // has it from a registry, as all others are had here, has it compiled once.
    let once = "[profile.dev.package.\"*\"]\nincremental = false\n";
    let manifest = format!(
        "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n\n{once}\n[workspace]\n"
    );
    fs::write(place.join("Cargo.toml"), manifest).map_err(told)?;
    // The same versions as everywhere here, none of them to be looked up.
    fs::copy(places.workspace.join("Cargo.lock"), place.join("Cargo.lock")).map_err(told)?;
    fs::write(place.join("src/main.rs"), program).map_err(told)?;
    // What is missing is fetched now, so that nothing but compiling is timed.
    let fetched = Command::new("cargo").current_dir(&place).args(["fetch", "--quiet"]).status().map_err(told)?;
    if !fetched.success() {
        return Err(format!("the dependencies of {system} are not to be had"));
    }
    let crates = crates(&place)?;
    let seconds = compile(&place)?;
    let changed = format!("{program}\npub fn changed() -> u64 {{\n    42\n}}\n");
    fs::write(place.join("src/main.rs"), changed).map_err(told)?;
    let edit = compile(&place)?;
    Ok(Build { system: system.to_owned(), crates, seconds, edit })
}

/// How many seconds `cargo build` takes.
fn compile(place: &Path) -> Result<f64, String> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(place).args(["build", "--offline", "--quiet"]);
    cargo.env("CARGO_TARGET_DIR", place.join("target")).env_remove("CARGO_INCREMENTAL").env("RUSTFLAGS", "-Awarnings");
    let begin = Instant::now();
    let status = cargo.status().map_err(|error| error.to_string())?;
    if status.success() { Ok(begin.elapsed().as_secs_f64()) } else { Err(format!("{} fails", place.display())) }
}

/// How many crates are compiled beside the program's own.
fn crates(place: &Path) -> Result<u64, String> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(place).args(["tree", "--offline", "--prefix", "none", "--edges", "normal,build"]);
    let output = cargo.args(["--format", "{p}"]).output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stdout);
    let names: std::collections::BTreeSet<_> = told.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let names = names.iter().filter(|name| !name.is_empty() && !name.starts_with("hello "));
    Ok(names.count() as u64)
}
