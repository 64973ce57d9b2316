//! The layers of the runtime: a module imports only layers below its own.

use super::imports::{Crate, Module};
use super::runtime;

/// The layer of each module of the runtime. A module imports those with a lower number.
///
/// `node` is below `process`, of which it uses a trait. `net` and `cluster` need a node and its router, and nothing
/// of the layers between.
const LAYERS: &[(&str, u8)] = &[
    ("shape", 0),
    ("base", 1),
    ("log", 1),
    ("settings", 1),
    ("sync", 1),
    ("mailbox", 2),
    ("termination", 2),
    ("wire", 2),
    ("signal", 3),
    ("session", 3),
    ("sched", 3),
    ("observe", 3),
    ("node", 4),
    ("process", 5),
    ("net", 5),
    ("call", 6),
    ("cluster", 6),
    ("actor", 7),
    ("port", 8),
    ("remote", 8),
    ("registry", 9),
    ("supervisor", 9),
    ("application", 10),
    ("inspect", 10),
    ("upgrade", 11),
];

/// Modules above all layers. They import each layer; [`cycles`](super::cycles) checks them among themselves.
const ABOVE: &[&str] = &["lib", "entry", "prelude", "__private", "testing"];

/// Files of a layer that a macro generated: they name everything through `__private`.
pub(super) const GENERATED: &[&str] = &["supervisor/protocol/expanded.rs", "port/protocol/expanded.rs"];

#[test]
fn a_module_imports_only_lower_layers() {
    for (path, text) in [
        ("wire/frame.rs", "use crate::node::Node;"),
        ("wire/mod.rs", "use crate::{base::Exit, cluster::Cookie};"),
        ("mailbox/queue.rs", "use crate::wire::Signal;"),
        ("node/mod.rs", "fn f(x: &crate::process::Cell) {}"),
        ("node/table.rs", "use crate::Exit;"),
        ("node/mod.rs", "use super::process::Cell;"),
        ("node/table.rs", "use super::super::process::Cell;"),
        ("call/cast.rs", "use greenroom::Node;"),
        ("attic/mod.rs", "fn f() {}"),
    ] {
        assert!(!upward(&sample(path, text)).is_empty(), "no violation found in {path}: {text}");
    }
    for (path, text) in [
        ("cluster/mod.rs", "use crate::{base::Exit, net::{self, Tcp}, node::Node};"),
        ("node/table.rs", "use super::AnyCell; use crate::wire::Signal; use crate::node::Node;"),
        ("wire/frame.rs", "// crate::node\n#[cfg(test)]\nmod tests { use crate::node::Node; }"),
        ("wire/frame.rs", "#[cfg(test)] mod tests;"),
        ("prelude.rs", "pub use crate::cluster::Cookie;"),
        ("supervisor/protocol/expanded.rs", "use ::greenroom::__private::Actor;"),
        ("wire/varint.rs", r#"const A: &str = "crate::node"; const B: char = '"';"#),
    ] {
        let found = upward(&sample(path, text));
        assert!(found.is_empty(), "found in {path}: {text}: {found:?}");
    }
    let found = upward(&runtime());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A crate with this file, and what declares it.
fn sample(path: &str, text: &str) -> Crate {
    let tests = ("wire/frame/tests.rs", "use super::super::Frame; use crate::node::Node;");
    let (top, rest) = path.split_once('/').unwrap_or((path.trim_end_matches(".rs"), "mod.rs"));
    let root = format!("mod {top};");
    let inner: Vec<_> = rest.trim_end_matches(".rs").split('/').collect();
    let mut files =
        vec![("lib.rs".to_owned(), root), (path.to_owned(), text.to_owned()), (tests.0.into(), tests.1.into())];
    let mut folder = top.to_owned();
    for name in inner.iter().filter(|name| **name != "mod") {
        files.push((format!("{folder}/mod.rs"), format!("mod {name};")));
        folder = format!("{folder}/{name}");
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Crate::sample(&files)
}

fn upward(sources: &Crate) -> Vec<String> {
    let mut found = Vec::new();
    for (path, module) in sources.modules() {
        let own = path.first().map_or("lib", String::as_str);
        if !ABOVE.contains(&own) && !GENERATED.contains(&module.file.as_str()) {
            upward_in(sources, own, module, &mut found);
        }
    }
    found
}

fn upward_in(sources: &Crate, own: &str, module: &Module, found: &mut Vec<String>) {
    let layer = |module: &str| LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer);
    let file = &module.file;
    let Some(own_layer) = layer(own) else {
        found.push(format!("{file}: `{own}` is not in the list of layers"));
        return;
    };
    for import in &module.imports {
        // In a sample, a module that is imported has no file.
        let first = import.path.first().map_or("lib", String::as_str);
        let other = if layer(first).is_some() { first } else { sources.top(&import.path) };
        if other != own && layer(other).is_none_or(|layer| layer >= own_layer) {
            found.push(format!("{file}: `{own}` imports `{}`", import.path.join("::")));
        }
    }
}
