//! The template for `cargo generate`: expanded, built and tested as a project of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The values of the placeholders.
struct Project<'a> {
    name: &'a str,
    greenroom: &'a str,
}

impl Project<'_> {
    /// Replaces the placeholders of a text, as `cargo generate` does. Notes those that were used.
    fn expand<'t>(&self, text: &'t str, used: &mut BTreeSet<&'t str>) -> String {
        let mut parts = text.split("{{");
        let mut expanded = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (placeholder, rest) = part.split_once("}}").expect("a placeholder has an end");
            used.insert(placeholder);
            expanded += match placeholder {
                "project-name" => self.name,
                "greenroom" => self.greenroom,
                other => panic!("`{other}` is not a placeholder"),
            };
            expanded += rest;
        }
        expanded
    }
}

/// Returns all files of a folder and the folders in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_project_from_the_template_passes_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (template, tmp) = (root.join("template"), Path::new(env!("CARGO_TARGET_TMPDIR")));
    let project = tmp.join("template");
    let _ = fs::remove_dir_all(&project);
    let runtime = root.canonicalize().expect("it exists").join("runtime");
    let values = Project { name: "flower-shop", greenroom: runtime.to_str().expect("it is UTF-8") };

    let config = fs::read_to_string(template.join("cargo-generate.toml")).expect("it exists");
    let texts = files(&template).into_iter().filter(|path| !path.ends_with("cargo-generate.toml"));
    let texts: Vec<_> = texts.map(|path| (fs::read_to_string(&path).expect("it is text"), path)).collect();
    let mut used = BTreeSet::new();
    for (text, path) in &texts {
        let name = path.strip_prefix(&template).expect("it is inside").to_str().expect("it is UTF-8");
        let path = project.join(values.expand(name.trim_end_matches(".liquid"), &mut BTreeSet::new()));
        fs::create_dir_all(path.parent().expect("a folder")).expect("there is room");
        fs::write(path, values.expand(text, &mut used)).expect("there is room");
    }
    // A placeholder other than that of `cargo generate` itself has a prompt.
    for placeholder in used.into_iter().filter(|placeholder| *placeholder != "project-name") {
        assert!(config.contains(&format!("[placeholders.{placeholder}]\n")), "`{placeholder}` is not declared");
    }

    // Not a member of the workspace around it.
    let manifest = project.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).expect("it was written");
    fs::write(&manifest, text + "\n[workspace]\n").expect("there is room");
    // The versions that are downloaded already.
    fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).expect("the workspace has one");
    let cargo = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--color=never"])
        .current_dir(&project)
        // The dependencies that the workspace has built with the same features need no other build.
        .env("CARGO_TARGET_DIR", tmp.parent().expect("the target folder"))
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        // The flags of this test would apply to the dependencies, too.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .output()
        .expect("cargo is there");
    let (output, errors) = (String::from_utf8_lossy(&cargo.stdout), String::from_utf8_lossy(&cargo.stderr));
    assert!(cargo.status.success(), "{errors}{output}");
    assert!(output.contains("2 passed") && !errors.contains("warning"), "{errors}{output}");
}
