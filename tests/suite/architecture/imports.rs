//! The imports of a crate, read off its sources: which path a file names, and which file defines what it names.

use std::collections::BTreeMap;

use crate::source::{self, File};

/// A path from the crate's root, one name each.
pub(super) type Path = Vec<String>;

/// The files of a crate by their modules' paths, without test modules.
pub(super) struct Crate {
    modules: BTreeMap<Path, Module>,
}

/// One file.
pub(super) struct Module {
    /// Relative to the crate's `src`.
    pub(super) file: String,
    pub(super) imports: Vec<Import>,
    /// Macros that stand at the crate's root, wherever they are written.
    exported: Vec<String>,
    /// The names of all other items in the file.
    items: Vec<String>,
}

/// A path that a file names, in a `use` or anywhere else.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) path: Path,
    /// The name that a `use` gives to the path; `*` for all names in it. `None` outside of a `use`.
    pub(super) name: Option<String>,
}

impl Crate {
    /// Reads a crate's `src`, given relative to the workspace.
    pub(super) fn read(src: &str, name: Option<&'static str>) -> Crate {
        let files = source::files(&source::workspace().join(src), &["rs"]);
        assert!(files.len() > 10, "no sources in {src}");
        Crate::new(files, name)
    }

    /// Makes a crate of a few files, for samples.
    pub(super) fn sample(files: &[(&str, &str)]) -> Crate {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        Crate::new(files.iter().map(file).collect(), Some("greenroom"))
    }

    fn new(files: Vec<File>, name: Option<&'static str>) -> Crate {
        let mut files: BTreeMap<Path, File> = files.into_iter().map(|file| (module_path(&file.path), file)).collect();
        let mut modules = BTreeMap::new();
        // A module that only a test declares is not reached.
        let mut declared = vec![Path::new()];
        while let Some(path) = declared.pop() {
            let Some(file) = files.remove(&path) else { continue };
            let code = source::code(&file.text);
            declared.extend(submodules(&code).map(|name| child(&path, name)));
            let module = Module {
                imports: imports(&path, &code, name),
                exported: exported(&code),
                items: items(&code),
                file: file.path,
            };
            modules.insert(path, module);
        }
        Crate { modules }
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = (&Path, &Module)> {
        self.modules.iter()
    }

    /// Returns the file with this module path.
    pub(super) fn file(&self, module: &Path) -> &str {
        &self.modules[module].file
    }

    /// Returns the top-level module that a path leads to by its first name: `lib` for an item of the root.
    pub(super) fn top<'a>(&'a self, path: &'a [String]) -> &'a str {
        let Some(first) = path.first() else { return "lib" };
        if self.modules.contains_key(&path[..1]) {
            return first;
        }
        let exporting = self.modules.iter().find(|(_, module)| module.exported.contains(first));
        exporting.and_then(|(path, _)| path.first()).map_or("lib", String::as_str)
    }

    /// Returns the module whose file defines what a path names, through re-exports.
    pub(super) fn resolve(&self, path: &[String]) -> Path {
        self.resolve_within(path, 16)
    }

    /// Resolves a path through at most `steps` re-exports.
    fn resolve_within(&self, path: &[String], steps: usize) -> Path {
        let mut module = Path::new();
        for (at, name) in path.iter().enumerate() {
            let inner = child(&module, name);
            if self.modules.contains_key(&inner) {
                module = inner;
                continue;
            }
            let here = &self.modules[&module];
            if steps == 0 || here.items.contains(name) {
                return module;
            }
            let mut named = here.imports.iter().filter(|import| import.name.as_ref() == Some(name));
            if let Some(import) = named.next() {
                let target: Path = import.path.iter().chain(&path[at + 1..]).cloned().collect();
                return self.resolve_within(&target, steps - 1);
            }
            for import in here.imports.iter().filter(|import| import.name.as_deref() == Some("*")) {
                let globbed = self.resolve_within(&import.path, steps - 1);
                let target = self.resolve_within(&child(&import.path, name), steps - 1);
                if target != globbed || self.modules[&globbed].items.contains(name) {
                    return target;
                }
            }
            if module.is_empty()
                && let Some((path, _)) = self.modules.iter().find(|(_, module)| module.exported.contains(name))
            {
                return path.clone();
            }
            return module;
        }
        module
    }
}

/// The module of a file: `a/b.rs` and `a/b/mod.rs` are `a::b`.
fn module_path(file: &str) -> Path {
    let mut path: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if ["mod", "lib"].iter().any(|root| path.last().is_some_and(|last| last == root)) {
        path.pop();
    }
    path
}

fn child(module: &[String], name: &str) -> Path {
    module.iter().map(String::as_str).chain([name]).map(str::to_owned).collect()
}

/// The modules that a file declares and that have a file of their own.
fn submodules<'a>(code: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    code.windows(3).filter(|three| three[0] == "mod" && three[2] == ";").map(|three| three[1])
}

/// The macros that a file puts at the crate's root.
fn exported(code: &[&str]) -> Vec<String> {
    let marker = ["#", "[", "macro_export", "]", "macro_rules", "!"];
    code.windows(marker.len() + 1).filter(|some| some.starts_with(&marker)).map(|some| some[6].to_owned()).collect()
}

/// The names that a file defines, at whatever depth.
fn items(code: &[&str]) -> Vec<String> {
    let words = ["struct", "enum", "union", "trait", "type", "fn", "const", "static"];
    let defined = code.windows(2).filter(|two| words.contains(&two[0])).map(|two| two[1].to_owned());
    let macros = code.windows(3).filter(|three| three[..2] == ["macro_rules", "!"]).map(|three| three[2].to_owned());
    defined.chain(macros).collect()
}

/// The paths that a file names, as far as they lead into its own crate.
pub(super) fn imports(module: &Path, code: &[&str], crate_name: Option<&str>) -> Vec<Import> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let after_path = at >= 2 && code[at - 2..at] == [":", ":"] && (at < 3 || is_word(code[at - 3]));
        let visibility = at >= 2 && code[at - 2..at] == ["(", "in"];
        let in_use = at >= 1 && code[at - 1] == "use";
        let start = match code[at] {
            _ if after_path || visibility => None,
            "crate" | "self" | "super" if separator(code, at + 1) => Some(root(module, code, at)),
            name if separator(code, at + 1) && crate_name == Some(name) => Some((Path::new(), at + 3)),
            // A `use` begins with a module that the file declares, or with another crate.
            name if in_use && submodules(code).any(|module| module == name) => Some((module.clone(), at)),
            _ => None,
        };
        match start {
            Some((path, next)) => at = tree(path, code, next, in_use, &mut found),
            None => at += 1,
        }
    }
    found
}

/// Where a path with `crate`, `self` or `super` at its start begins, and the position behind that.
fn root(module: &Path, code: &[&str], mut at: usize) -> (Path, usize) {
    let mut path = if code[at] == "crate" { Path::new() } else { module.clone() };
    while ["crate", "self", "super"].contains(&code[at]) && separator(code, at + 1) {
        if code[at] == "super" {
            path.pop();
        }
        at += 3;
    }
    (path, at)
}

/// Reads one path, or a group of them, and returns the position behind it.
fn tree(mut path: Path, code: &[&str], mut at: usize, in_use: bool, found: &mut Vec<Import>) -> usize {
    let mut import = |path: Path, name: Option<&str>| {
        let name = name.or(path.last().map(String::as_str)).filter(|_| in_use).map(str::to_owned);
        found.push(Import { path, name });
    };
    loop {
        match code.get(at) {
            Some(&"{") => {
                at += 1;
                while code.get(at).is_some_and(|token| *token != "}") {
                    at = if code[at] == "," { at + 1 } else { tree(path.clone(), code, at, in_use, found) };
                }
                return at + 1;
            }
            Some(&"*") => {
                import(path, Some("*"));
                return at + 1;
            }
            Some(&"self") => {}
            Some(name) if is_word(name) => path.push((*name).to_owned()),
            _ => {
                import(path, None);
                return at + 1;
            }
        }
        at += 1;
        if separator(code, at) {
            at += 2;
        } else if in_use && code.get(at) == Some(&"as") {
            import(path, code.get(at + 1).copied());
            return at + 2;
        } else {
            import(path, None);
            return at;
        }
    }
}

fn separator(code: &[&str], at: usize) -> bool {
    code.get(at..at + 2) == Some(&[":", ":"])
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[test]
fn the_paths_of_a_file() {
    let check = |file: &str, text: &str, expected: &[&str]| {
        let found = imports(&module_path(file), &source::code(text), Some("greenroom"));
        let found: Vec<_> = found.iter().map(|import| import.path.join("::")).collect();
        assert_eq!(found, expected, "{file}: {text}");
    };
    check("a/b.rs", "use crate::c::D;", &["c::D"]);
    check("a/b.rs", "use crate::{c::{self, D as E}, f};", &["c", "c::D", "f"]);
    check("a/b.rs", "use super::{C, d::E};", &["a::C", "a::d::E"]);
    check("a/mod.rs", "use super::c::D;", &["c::D"]);
    check("a/b.rs", "use super::super::c::D;", &["c::D"]);
    check("a/b.rs", "fn f(x: &crate::c::D) { crate::e::<u8>(); self.x }", &["c::D", "e"]);
    check("a/b.rs", "use greenroom::C; ::greenroom::d(); other::greenroom::e();", &["C", "d"]);
    check("a/mod.rs", "mod b; pub use b::*; use std::fmt; use self::b::C;", &["a::b", "a::b::C"]);
    check("a/b.rs", "pub(crate) fn f() {} pub(in crate::a) fn g() {}", &[]);
    check("a/b.rs", "for c in crate::d::e() {} const X: u8 = crate::C { x: 1 };", &["d::e", "C"]);
    check("a/b.rs", "$crate::c::d!()", &["c::d"]);
}

#[test]
fn a_path_leads_through_re_exports_to_the_file_that_defines_it() {
    let sample = Crate::sample(&[
        ("lib.rs", "mod a; mod e; pub use a::C;"),
        ("a/mod.rs", "mod b; mod g; pub use b::{B, C as D}; pub use g::*; pub struct M; use crate::e::E;"),
        ("a/b.rs", "pub struct B; pub enum C { V }"),
        ("a/g.rs", "pub fn glob() {}"),
        ("e.rs", "pub struct E; #[macro_export] macro_rules! exported { () => {} }"),
    ]);
    let check = |path: &str, file: &str| {
        let path: Path = path.split("::").map(str::to_owned).collect();
        assert_eq!(sample.file(&sample.resolve(&path)), file, "{path:?}");
    };
    check("a::b::B", "a/b.rs");
    check("a::B", "a/b.rs");
    check("a::D::V", "a/b.rs");
    check("a::glob", "a/g.rs");
    check("a::M", "a/mod.rs");
    check("a::E", "e.rs");
    check("exported", "e.rs");
    check("other", "lib.rs");
}
