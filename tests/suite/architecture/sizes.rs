//! The sizes of files and folders.

use std::collections::BTreeMap;

use crate::source::{self, File};

/// The most lines of a file.
const LINES: usize = 500;
/// The most files in one folder of the runtime or the macros, without those in its own folders.
const FILES: usize = 12;

/// Larger files, with the reason.
const LARGE_FILES: &[(&str, &str)] = &[];
/// Larger folders, with the reason.
const LARGE_FOLDERS: &[(&str, &str)] = &[];

#[test]
fn files_and_folders_are_small() {
    let long = "\n".repeat(LINES + 1);
    let file = |path: String, text: &str| File { path, text: text.to_owned() };
    let many = |folder: &str| (0..=FILES).map(|n| file(format!("{folder}/{n}.rs"), "")).collect::<Vec<_>>();
    assert_eq!(large(&[file("runtime/a.rs".into(), &long)]), ["runtime/a.rs"]);
    assert_eq!(large(&many("runtime/a")), ["runtime/a"]);
    assert!(large(&[file("runtime/a/tests.rs".into(), &long)]).is_empty());
    assert!(large(&[file("runtime/a.rs".into(), &long[1..])]).is_empty());
    assert!(large(&many("runtime/a")[1..]).is_empty());
    assert!(large(&many("runtime/a/tests")).is_empty());

    let files = ["runtime", "macros", "examples"].iter().flat_map(|root| {
        let files = source::files(&source::workspace().join(root), &["rs"]);
        files.into_iter().map(move |file| File { path: format!("{root}/{}", file.path), ..file })
    });
    let found = large(&files.collect::<Vec<_>>());
    let known = [LARGE_FILES, LARGE_FOLDERS].concat();
    let new: Vec<_> = found.iter().filter(|path| known.iter().all(|(known, _)| known != path)).collect();
    assert!(new.is_empty(), "more than {LINES} lines in a file or {FILES} files in a folder: {new:#?}");
    for (path, _) in known {
        assert!(found.iter().any(|found| found == path), "{path} is within the limits: take it off the list");
    }
}

/// The files and the folders beyond the limits.
fn large(files: &[File]) -> Vec<String> {
    let code: Vec<_> = files.iter().filter(|file| !is_test(&file.path) && !is_generated(&file.path)).collect();
    let long = code.iter().filter(|file| file.text.lines().count() > LINES).map(|file| file.path.clone());
    let mut folders = BTreeMap::<&str, usize>::new();
    for (folder, _) in code.iter().filter_map(|file| file.path.rsplit_once('/')) {
        *folders.entry(folder).or_default() += 1;
    }
    let full = folders
        .into_iter()
        .filter(|(folder, count)| *count > FILES && !folder.starts_with("examples/"))
        .map(|(folder, _)| folder.to_owned());
    long.chain(full).collect()
}

/// Files with generated code: the expansions of samples.
fn is_generated(path: &str) -> bool {
    path.ends_with("/expanded.rs") || path.contains("/snapshots/")
}

pub(super) fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("tests/")
}
