//! A program whose panics abort it is refused when it is compiled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Checks a program that depends on greenroom, under a profile with this setting: what the compiler says.
fn check(panic: &str) -> (bool, String) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("abort");
    fs::create_dir_all(root.join("src")).expect("there is room");
    let manifest = format!(
        r#"
            [package]
            name = "program"
            version = "0.0.0"
            edition = "2024"

            [workspace]

            [dependencies]
            greenroom = {{ path = {runtime:?}, default-features = false }}

            [profile.dev]
            panic = "{panic}"
            debug = false
            incremental = false
        "#,
        runtime = tests.join("../runtime"),
    );
    fs::write(root.join("Cargo.toml"), manifest).expect("it is ours");
    fs::write(root.join("src/main.rs"), "fn main() { drop(greenroom::Node::local()) }").expect("it is ours");
    // The versions that are here already.
    fs::copy(tests.join("../Cargo.lock"), root.join("Cargo.lock")).expect("the workspace has one");
    let cargo = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "--color=never"])
        .current_dir(&root)
        .env("CARGO_TARGET_DIR", root.join("target"))
        // What this test is run with is not what a program is compiled with.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .output()
        .expect("cargo is there");
    (cargo.status.success(), String::from_utf8(cargo.stderr).expect("it says it in UTF-8"))
}

#[test]
fn a_program_whose_panics_abort_is_refused_at_compile_time() {
    let (compiles, said) = check("abort");
    assert!(!compiles);
    let errors: Vec<_> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    let refusal =
        r#"error: greenroom needs `panic = "unwind"`: a process that panics must not take its neighbours along"#;
    assert_eq!(errors[0], refusal, "{said}");
    assert_eq!(errors.len(), 2, "that, and cargo's own: {said}");
}
