//! Cycles of imports: between the modules of a crate, and between the files of a module.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Crate, Path};
use super::layers::GENERATED;
use super::{macros, runtime};

/// Which import each importer has.
type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn modules_do_not_import_each_other() {
    let cyclic = |files: &[(&str, &str)]| cycles(&modules(&Crate::sample(files)));
    let lib = ("lib.rs", "mod a; mod b; mod testing; pub use a::A; pub use testing::check;");
    for files in [
        &[lib, ("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")],
        // Through an item of the root.
        &[lib, ("a.rs", "use crate::check;"), ("testing.rs", "pub fn check() {}")],
        // By a path within code.
        &[lib, ("a/mod.rs", "fn f() { crate::testing::paused() }"), ("testing.rs", "use crate::a::Report;")],
    ] {
        assert_eq!(cyclic(files).len(), 1, "{files:?}");
    }
    for files in [
        &[lib, ("a.rs", "use crate::b::B;"), ("b.rs", "#[cfg(test)] mod tests { use crate::a::A; }")][..],
        &[lib, ("a/mod.rs", "mod c; pub use c::C;"), ("a/c.rs", "use super::A; use crate::b::B;"), ("b.rs", "")],
        // A macro at the root belongs to the module that exports it.
        &[lib, ("testing.rs", "#[macro_export] macro_rules! m { () => {} } pub use crate::m as pattern;")],
    ] {
        assert!(cyclic(files).is_empty(), "{files:?}");
    }
    check(&modules(&runtime()));
    check(&modules(&macros()));
}

#[test]
fn files_do_not_import_each_other() {
    let cyclic = |files: &[(&str, &str)]| {
        let mut all = vec![("lib.rs", "mod a;")];
        all.extend(files);
        cycles(&files_of(&Crate::sample(&all)))
    };
    let parent = ("a/mod.rs", "mod b; mod c; mod d; pub use b::B; pub(crate) use c::{C as Other, D}; pub struct A;");
    for files in [
        &[parent, ("a/b.rs", "use super::c::C;"), ("a/c.rs", "use super::b::B;")][..],
        // By the names that the parent re-exports.
        &[parent, ("a/b.rs", "use super::{A, Other};"), ("a/c.rs", "use super::B;")],
        &[parent, ("a/b.rs", "use crate::a::D;"), ("a/c.rs", "fn f() { super::b::g() }")],
        &[parent, ("a/b.rs", "use super::c::C;"), ("a/c.rs", "use super::d::D;"), ("a/d.rs", "use super::B;")],
    ] {
        assert_eq!(cyclic(files).len(), 1, "{files:?}");
    }
    for files in [
        &[parent, ("a/b.rs", "use super::{A, Other};"), ("a/c.rs", "use super::A;")],
        &[parent, ("a/b.rs", "use super::c::C;"), ("a/c.rs", "#[cfg(test)] use super::b::B;")],
        // A file in a folder is a part of the module that declares it.
        &[parent, ("a/b.rs", "mod e; use e::E; pub struct B;"), ("a/b/e.rs", "use super::B;")],
    ] {
        assert!(cyclic(files).is_empty(), "{files:?}");
    }
    check(&files_of(&runtime()));
    check(&files_of(&macros()));
}

/// The modules at the root of a crate, and which of them each names. The root itself is `lib`.
fn modules(sources: &Crate) -> Graph {
    graph(sources, |importer, import| {
        let importer = importer.first().map_or("lib", String::as_str);
        Some((importer.to_owned(), sources.top(import).to_owned()))
    })
}

/// The files of a crate, and whose items each names. A module's own file and those in its folder are parts of one
/// another: what one of them imports from the other is left out.
fn files_of(sources: &Crate) -> Graph {
    graph(sources, |importer, import| {
        let defining = sources.resolve(import);
        let related = importer.starts_with(&defining) || defining.starts_with(importer);
        (!related).then(|| (sources.file(importer).to_owned(), sources.file(&defining).to_owned()))
    })
}

fn graph(sources: &Crate, edge: impl Fn(&Path, &Path) -> Option<(String, String)>) -> Graph {
    let mut graph = Graph::new();
    for (path, module) in sources.modules().filter(|(_, module)| !GENERATED.contains(&module.file.as_str())) {
        for import in &module.imports {
            if let Some((importer, imported)) = edge(path, &import.path)
                && importer != imported
            {
                graph.entry(importer).or_default().insert(imported);
            }
        }
    }
    graph
}

/// Checks that the graph has no cycle.
#[track_caller]
fn check(graph: &Graph) {
    let found: Vec<_> = cycles(graph).iter().map(|cycle| cycle.join(" → ")).collect();
    assert!(found.is_empty(), "cycles of imports:\n{}", found.join("\n"));
}

/// Returns one cycle for each group of nodes that reach each other, as its nodes with the first one again at the end.
fn cycles(graph: &Graph) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (importer, imports) in graph {
        if seen.contains(importer) {
            continue;
        }
        let shortest = imports.iter().filter_map(|imported| way(graph, imported, importer)).min_by_key(Vec::len);
        if let Some(back) = shortest {
            seen.extend(
                graph
                    .keys()
                    .filter(|other| way(graph, importer, other).is_some() && way(graph, other, importer).is_some()),
            );
            found.push([vec![importer.clone()], back].concat());
        }
    }
    found
}

/// Returns the shortest way from one node to another, with both of them.
fn way(graph: &Graph, from: &str, to: &str) -> Option<Vec<String>> {
    let mut ways = std::collections::VecDeque::from([vec![from.to_owned()]]);
    let mut seen = BTreeSet::from([from]);
    while let Some(way) = ways.pop_front() {
        let last = way.last().expect("a way has a start");
        if last == to {
            return Some(way);
        }
        for next in graph.get(last).into_iter().flatten() {
            if seen.insert(next) {
                ways.push_back([&way[..], std::slice::from_ref(next)].concat());
            }
        }
    }
    None
}
