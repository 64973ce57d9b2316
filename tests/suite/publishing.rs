//! The published crates: their manifests and files, the version of the compiler, and the licences of their dependencies.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use expect_test::expect_file;
use serde_json::Value;

use crate::source;

/// The crates that users download. All others have `publish = false`.
const PUBLISHED: &[&str] = &["greenroom", "greenroom-core", "greenroom-etcd", "greenroom-macros"];

/// Returns what a command of Cargo prints, without the network; or its error.
fn cargo<'a>(command: &str, options: impl IntoIterator<Item = &'a str>) -> Result<String, String> {
    let cargo = Command::new(env!("CARGO"))
        .args([command, "--locked", "--offline", "--color=never"])
        .args(options)
        .current_dir(source::workspace())
        .output()
        .expect("cargo is there");
    let [output, errors] = [cargo.stdout, cargo.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if cargo.status.success() { Ok(output) } else { Err(errors) }
}

/// Returns the members of the workspace that are published.
fn published() -> Vec<Value> {
    let metadata = cargo("metadata", ["--format-version=1", "--no-deps"]).expect("the lock file is up to date");
    let mut metadata: Value = serde_json::from_str(&metadata).expect("it is JSON");
    let packages = metadata["packages"].take();
    list(&packages).filter(|package| package["publish"].is_null()).cloned().collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Returns the faults of a manifest, as `cargo metadata` shows it. `version` and `compiler` are those of the workspace.
fn faults(package: &Value, version: &str, compiler: &str) -> Vec<&'static str> {
    let name = text(&package["name"]);
    let docs = &package["metadata"]["docs"]["rs"];
    let all = |list: &Value, most: usize, holds: fn(&str) -> bool| {
        let list = list.as_array().map_or(&[][..], Vec::as_slice);
        (1..=most).contains(&list.len()) && list.iter().all(|entry| holds(text(entry)))
    };
    // crates.io refuses others.
    let keyword = |word: &str| {
        (1..=20).contains(&word.len())
            && word.starts_with(|c: char| c.is_ascii_alphanumeric())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-+".contains(c))
    };
    let own = list(&package["dependencies"]).filter(|one| PUBLISHED.contains(&text(&one["name"])));
    // The macros and `greenroom` use hidden items of the runtime. Cargo removes a dependency of tests without a version;
    // one with a version would have to be published before.
    let versions_of_own = own.map(|one| {
        let expected = match text(&one["name"]) {
            _ if one["kind"] == "dev" => "*".to_owned(),
            "greenroom-core" | "greenroom-macros" => format!("={version}"),
            _ => format!("^{version}"),
        };
        one["req"] == expected
    });
    let checks = [
        ("description", (20..=200).contains(&text(&package["description"]).len())),
        ("version", package["version"] == version),
        ("rust-version", package["rust_version"] == compiler),
        ("license", package["license"] == "MIT OR Apache-2.0"),
        ("documentation", text(&package["documentation"]) == format!("https://docs.rs/{name}")),
        ("readme", text(&package["readme"]).ends_with("README.md")),
        ("keywords", all(&package["keywords"], 5, keyword)),
        ("categories", all(&package["categories"], 5, |name| !name.is_empty())),
        ("docs.rs: all-features", docs["all-features"] == true),
        ("docs.rs: rustdoc-args", docs["rustdoc-args"] == serde_json::json!(["--cfg", "docsrs"])),
        ("versions of greenroom's crates", versions_of_own.into_iter().all(|holds| holds)),
    ];
    checks.into_iter().filter(|(_, holds)| !holds).map(|(field, _)| field).collect()
}

#[test]
fn each_published_crate_has_a_complete_manifest() {
    let published = published();
    let names: BTreeSet<_> = published.iter().map(|package| text(&package["name"])).collect();
    assert_eq!(names, PUBLISHED.iter().copied().collect(), "all other packages have `publish = false`");

    let version = text(&published[0]["version"]);
    let channel = fs::read_to_string(source::workspace().join("rust-toolchain.toml")).expect("it exists");
    let compiler = channel.split_once("channel = \"").and_then(|(_, rest)| rest.split_once(".0\"")).expect("x.y.0").0;
    for package in &published {
        let name = text(&package["name"]);
        assert_eq!(faults(package, version, compiler), [""; 0], "{name}");
        // crates.io shows one address for each crate.
        assert_eq!(package["repository"], published[0]["repository"], "{name}");

        let folder = Path::new(text(&package["manifest_path"])).parent().expect("it is in a folder");
        assert!(folder.join(text(&package["readme"])).exists(), "{name}: the README exists");
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let read = |folder: &Path| fs::read_to_string(folder.join(licence)).ok();
            assert_eq!(read(folder), read(&source::workspace()), "{name}: {licence}");
        }
        let docs = fs::read_to_string(folder.join("src/lib.rs")).expect("it is a library");
        assert!(docs.contains("#![cfg_attr(docsrs, feature(doc_cfg))]"), "{name}: features beside the items");
        check_features(name, &package["features"], &docs);
    }
    // The features of the runtime are those of the crate that users depend on.
    let [facade, core] = ["greenroom", "greenroom-core"].map(|name| {
        let package = published.iter().find(|package| package["name"] == name).expect("it is published");
        package["features"].as_object().expect("features by name")
    });
    for name in core.keys() {
        let switched_on = facade.get(name).into_iter().flat_map(list);
        let same = format!("greenroom-core/{name}");
        assert!(switched_on.into_iter().any(|other| *other == same), "greenroom's `{name}` switches on `{same}`");
    }
}

/// Checks that the documentation of a crate has a list of its features, each once and with the mark of a default.
fn check_features(name: &str, features: &Value, docs: &str) {
    let entries = docs.lines().filter_map(|line| line.strip_prefix("//! - `")?.split_once(':'));
    let listed: Vec<_> = entries.map(|(entry, _)| entry.replace('`', "")).collect();
    let defaults: Vec<_> = list(&features["default"]).map(text).collect();
    let names = features.as_object().into_iter().flat_map(|features| features.keys());
    for feature in names.filter(|feature| *feature != "default") {
        let entry = if defaults.contains(&&**feature) { format!("{feature} (default)") } else { feature.clone() };
        let count = listed.iter().filter(|listed| **listed == entry).count();
        assert_eq!(count, 1, "{name}: `src/lib.rs` lists the feature as `{entry}`");
    }
}

#[test]
fn an_incomplete_manifest_is_found() {
    let complete = serde_json::json!({
        "name": "greenroom", "version": "1.2.0", "rust_version": "1.95", "license": "MIT OR Apache-2.0",
        "description": "A description of the crate", "documentation": "https://docs.rs/greenroom",
        "readme": "../README.md", "keywords": ["actor"], "categories": ["concurrency"],
        "metadata": { "docs": { "rs": { "all-features": true, "rustdoc-args": ["--cfg", "docsrs"] } } },
        "dependencies": [
            { "name": "greenroom-core", "kind": null, "req": "=1.2.0" }, { "name": "greenroom", "kind": "dev", "req": "*" },
        ],
    });
    assert_eq!(faults(&complete, "1.2.0", "1.95"), [""; 0]);
    for (field, value, fault) in [
        ("version", serde_json::json!("1.1.0"), "version"),
        ("rust_version", serde_json::json!("1.94"), "rust-version"),
        ("description", Value::Null, "description"),
        ("license", serde_json::json!("MIT"), "license"),
        ("documentation", serde_json::json!("https://docs.rs/other"), "documentation"),
        ("readme", Value::Null, "readme"),
        ("keywords", serde_json::json!(["a", "b", "c", "d", "e", "f"]), "keywords"),
        ("keywords", serde_json::json!(["two words"]), "keywords"),
        ("categories", serde_json::json!([]), "categories"),
        (
            "dependencies",
            serde_json::json!([{ "name": "greenroom-core", "kind": null, "req": "^1.2.0" }]),
            "versions of greenroom's crates",
        ),
    ] {
        let mut package = complete.clone();
        package[field] = value;
        assert_eq!(faults(&package, "1.2.0", "1.95"), [fault]);
    }
    let mut package = complete;
    package["metadata"] = Value::Null;
    assert_eq!(faults(&package, "1.2.0", "1.95"), ["docs.rs: all-features", "docs.rs: rustdoc-args"]);
}

/// The minimum version of the compiler is in texts that a program does not read.
#[test]
fn pages_state_the_minimum_version_of_the_compiler() {
    let greenroom = &published()[0];
    let (version, compiler) = (text(&greenroom["version"]), text(&greenroom["rust_version"]));
    let minor = version.rsplit_once('.').expect("three numbers").0;
    for (page, expected) in [
        ("template/Cargo.toml.liquid", format!("rust-version = \"{compiler}\"")),
        ("book/src/start/first.md", format!("Rust {compiler} or later")),
        ("book/src/faq.md", format!("Rust {compiler}")),
        ("book/src/clusters.md", format!("rust:{compiler}-slim")),
        ("runtime/etcd/README.md", format!("greenroom = {{ version = \"{minor}\"")),
        ("runtime/etcd/README.md", format!("greenroom-etcd = \"{minor}\"")),
    ] {
        let text = fs::read_to_string(source::workspace().join(page)).expect("it exists");
        assert!(text.contains(&expected), "{page}: {expected}");
    }
}

/// Returns a table of packages with their licences, from the lines of `cargo tree`: the package, `|` and the licence.
fn licences(tree: &str) -> String {
    let lines = tree.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|'));
    let others = lines.filter(|(package, _)| !package.starts_with("greenroom"));
    // The versions change with each update of the lock file.
    let rows: BTreeSet<_> = others
        .map(|(package, licence)| {
            let name = package.split(' ').next().unwrap_or_default();
            let licence = if licence.is_empty() { "unknown" } else { licence };
            format!("| {name} | {} |\n", licence.replace('/', " OR "))
        })
        .collect();
    rows.into_iter().collect()
}

#[test]
fn the_book_lists_the_licences_of_all_dependencies() {
    let packages = PUBLISHED.iter().flat_map(|name| ["-p", name]);
    // Without the dependencies of tests, which users do not have.
    let options = ["--all-features", "--target=all", "--edges=no-dev", "--prefix=none", "--format={p}|{l}"];
    match cargo("tree", options.into_iter().chain(packages)) {
        Ok(tree) => {
            let table = licences(&tree);
            assert!(table.lines().count() > 50, "greenroom has dependencies");
            let page = format!("{INTRODUCTION}\n| package | licence |\n|---|---|\n{table}");
            expect_file!["../../book/src/licences.md"].assert_eq(&page);
        }
        // Cargo downloads the packages of other platforms at `cargo fetch` only.
        Err(reason) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
            eprintln!("skipped: {reason}");
        }
    }
}

/// The page before its table.
const INTRODUCTION: &str = "\
# Licences of the dependencies

greenroom is licensed under MIT or Apache-2.0, at your option. These are the packages that it depends on, with all its
features and on all platforms. A program has those that its features and its platform need, which `cargo tree` lists.
";

#[test]
fn a_licence_is_listed_once() {
    let tree = "greenroom v1.0.0 (/a/runtime)|MIT\nring v0.17.14|ISC\ncc v1.0.0|MIT/Apache-2.0\n\nring v0.17.14|ISC (*)\n\
        ring v0.16.0|MIT\nserde_derive v1.0.0 (proc-macro)|MIT\nown v1.0.0|";
    let table =
        "| cc | MIT OR Apache-2.0 |\n| own | unknown |\n| ring | ISC |\n| ring | MIT |\n| serde_derive | MIT |\n";
    assert_eq!(licences(tree), table);
}
