//! Programs that do not compile because of a setting in their `Cargo.toml`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Asserts that this program, with greenroom without features and a profile with this setting, gives one compiler error.
/// Returns all compiler output.
#[track_caller]
fn check(name: &str, panic: &str, program: &str, refusal: &str) -> String {
    check_with(&[], name, panic, program, refusal)
}

/// Does the same as [`check`], with these features of greenroom.
#[track_caller]
fn check_with(features: &[&str], name: &str, panic: &str, program: &str, refusal: &str) -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(root.join("src")).expect("there is room");
    let manifest = format!(
        r#"
            [package]
            name = "program"
            version = "0.0.0"
            edition = "2024"

            [workspace]

            [dependencies]
            greenroom = {{ path = {runtime:?}, default-features = false, features = {features:?} }}

            [profile.dev]
            panic = "{panic}"
            debug = false
            incremental = false
        "#,
        runtime = tests.join("../runtime"),
    );
    fs::write(root.join("Cargo.toml"), manifest).expect("it is ours");
    fs::write(root.join("src/main.rs"), program).expect("it is ours");
    // The versions that are downloaded already.
    fs::copy(tests.join("../Cargo.lock"), root.join("Cargo.lock")).expect("the workspace has one");
    let cargo = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "--color=never"])
        .current_dir(&root)
        // Programs with the same profile share what they depend on.
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("refused").join(panic))
        // The flags of this test do not apply to the program.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .output()
        .expect("cargo is there");
    assert!(!cargo.status.success());
    let output = String::from_utf8(cargo.stderr).expect("the output is UTF-8");
    let errors: Vec<_> = output.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(errors[0], refusal, "{output}");
    assert_eq!(errors.len(), 2, "that, and cargo's own: {output}");
    output
}

#[test]
fn a_program_whose_panics_abort() {
    check(
        "abort",
        "abort",
        "fn main() { drop(greenroom::Node::local()) }",
        r#"error: greenroom needs `panic = "unwind"`: a panic must end its process, not the program"#,
    );
}

#[test]
fn a_tree_without_the_feature_for_it() {
    let output = check(
        "treeless",
        "unwind",
        r"
            use greenroom::prelude::*;

            #[actor]
            #[derive(Default)]
            struct Log;

            #[actor]
            impl Log {
                #[cast]
                fn write(&mut self, _line: String) {}
            }

            #[supervisor]
            struct Tree {
                #[child]
                log: Log,
            }

            #[greenroom::main]
            async fn main() -> greenroom::Result {
                let tree = Tree {}.start().await?;
                tree.log().write(String::new());
                Ok(())
            }
        ",
        "error: `#[supervisor]` needs greenroom's feature `supervision`",
    );
    let help = r#"help: write `greenroom = { .., features = ["supervision"] }` in `Cargo.toml`"#;
    assert!(output.contains(help), "{output}");
}

#[test]
fn a_node_with_connections_without_the_feature_for_it() {
    let output = check(
        "unconnected",
        "unwind",
        r#"fn main() { drop(greenroom::Node::builder("a@b").listen("127.0.0.1:0").start()) }"#,
        "error[E0277]: `Node::builder` needs greenroom's feature `net`",
    );
    let help = r#"note: write `greenroom = { .., features = ["net"] }` in `Cargo.toml`"#;
    assert!(output.contains(help), "{output}");
}

#[test]
fn a_state_that_is_handed_over_without_the_feature_for_it() {
    let program = r#"
        use greenroom::prelude::*;

        #[actor(upgrade)]
        struct Room;

        #[actor]
        impl Room {
            #[cast]
            fn close(&mut self) {}

            #[upgrade]
            fn from_v1(_: u8) -> Room {
                Room
            }
        }

        fn main() {}
    "#;
    let refusal = "error[E0277]: `#[actor(upgrade)]` needs greenroom's feature `net`";
    let output = check("handover", "unwind", program, refusal);
    let help = r#"note: write `greenroom = { .., features = ["net"] }` in `Cargo.toml`"#;
    assert!(output.contains(help), "{output}");
}

#[test]
fn a_function_for_other_nodes_without_the_feature_for_it() {
    let program = r#"
        use greenroom::prelude::*;

        #[remote]
        fn disk_free() -> u64 {
            0
        }

        fn main() {
            disk_free();
        }
    "#;
    let output = check("remote", "unwind", program, "error: `#[remote]` needs greenroom's feature `net`");
    assert!(output.contains(r#"help: write `greenroom = { .., features = ["net"] }` in `Cargo.toml`"#), "{output}");
}

#[test]
fn a_child_on_another_node_without_the_feature_for_it() {
    let program = r#"
        use greenroom::prelude::*;

        #[actor]
        #[derive(Default)]
        struct Render;

        #[actor]
        impl Render {
            #[cast]
            fn begin(&mut self) {}
        }

        #[supervisor]
        struct Farm {
            #[child(on = "worker@gollum")]
            first: Render,
            #[child(dynamic, on = "worker@gollum")]
            others: Render,
        }

        fn main() {
            drop(Farm {}.start());
        }
    "#;
    let output =
        check_with(&["supervision"], "placed", "unwind", program, "error: `on` needs greenroom's feature `net`");
    assert!(output.contains(r#"help: write `greenroom = { .., features = ["net"] }` in `Cargo.toml`"#), "{output}");
}

#[test]
fn names_without_the_features_that_they_are_behind() {
    let output = check(
        "nameless",
        "unwind",
        "use greenroom::{Cookie, Settings, Supervisor, testing};\n\nfn main() {}",
        "error[E0432]: unresolved imports `greenroom::Cookie`, `greenroom::Settings`, `greenroom::Supervisor`, `greenroom::testing`",
    );
    for feature in ["net", "config", "supervision", "test"] {
        assert!(output.contains(&format!("the item is gated behind the `{feature}` feature")), "{output}");
    }
}
