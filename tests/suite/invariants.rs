//! The house's invariants, read off its sources.
//!
//! Each is a [`Rule`]: where it holds, and what must not stand there. The sources are read without comments, texts and
//! test modules. A rule that finds nothing may be blind, so each comes with violations that it must find.

use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom: only lower numbers. Node is below process, which it knows as a trait.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("log", 0),
    ("settings", 0),
    ("sync", 0),
    ("mailbox", 1),
    ("wire", 1),
    ("signal", 2),
    ("session", 2),
    ("sched", 2),
    ("observe", 2),
    ("node", 3),
    ("process", 4),
    ("call", 5),
    ("actor", 6),
    ("supervisor", 7),
    ("application", 8),
    ("net", 9),
    ("cluster", 10),
];

/// What stands above all floors and may import each; what the macros have made names things by the roof.
const ROOF: &[&str] =
    &["lib.rs", "entry.rs", "prelude.rs", "__private.rs", "testing/", "supervisor/protocol/expanded.rs"];

/// One thing that must not be.
struct Rule {
    /// The violations in one file, whose path is relative to `runtime/core/src`.
    find: fn(&str, &[String]) -> Vec<String>,
    /// Files with a violation each.
    planted: &'static [(&'static str, &'static str)],
    /// Files with none.
    innocent: &'static [(&'static str, &'static str)],
}

/// Finds what is planted, finds nothing in what is innocent, and then nothing in the sources.
#[track_caller]
fn check(root: &str, rule: &Rule) {
    for (path, text) in rule.planted {
        assert!(!(rule.find)(path, &tokens(text)).is_empty(), "blind for {path}: {text}");
    }
    for (path, text) in rule.innocent {
        let found = (rule.find)(path, &tokens(text));
        assert!(found.is_empty(), "sees ghosts in {path}: {text}: {found:?}");
    }
    let sources = sources(root);
    assert!(sources.len() > 10, "no sources under {root}");
    let found: Vec<_> = sources
        .iter()
        .flat_map(|(path, text)| {
            (rule.find)(path, &tokens(text)).into_iter().map(move |what| format!("{path}: {what}"))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_floor_imports_a_higher_one() {
    check(
        "runtime/core/src",
        &Rule {
            find: upward,
            planted: &[
                ("wire/frame.rs", "use crate::node::Node;"),
                ("wire/mod.rs", "use crate::{base::Exit, cluster::Cookie};"),
                ("mailbox/queue.rs", "use crate::wire::Signal;"),
                ("node/mod.rs", "fn f(x: &crate::process::Cell) {}"),
                ("node/table.rs", "use crate::Exit;"),
                ("node/mod.rs", "use super::process::Cell;"),
                ("node/table.rs", "use super::super::process::Cell;"),
                ("call/cast.rs", "use greenroom::Node;"),
                ("attic/mod.rs", "fn f() {}"),
            ],
            innocent: &[
                ("cluster/mod.rs", "use crate::{base::Exit, net::{self, Tcp}, node::Node};"),
                ("node/table.rs", "use super::Resident; use crate::wire::Signal; use crate::node::Node;"),
                ("wire/frame.rs", "// crate::node\n#[cfg(test)]\nmod tests { use crate::node::Node; }"),
                ("wire/frame/tests.rs", "use super::super::Frame; use crate::node::Node;"),
                ("prelude.rs", "pub use crate::cluster::Cookie;"),
                ("wire/varint.rs", r#"const A: &str = "crate::node"; const B: char = '"';"#),
            ],
        },
    );
}

fn upward(path: &str, tokens: &[String]) -> Vec<String> {
    if ROOF.iter().any(|roof| path.starts_with(roof)) || is_test(path) {
        return Vec::new();
    }
    let parts: Vec<_> = path.trim_end_matches(".rs").split('/').collect();
    let floor = |module: &str| FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor);
    let module = parts[0];
    let Some(own) = floor(module) else { return vec![format!("`{module}` is on no floor")] };
    let mut found = Vec::new();
    let mut import = |name: &str| {
        if name != module && floor(name).is_none_or(|floor| floor >= own) {
            found.push(format!("{module} imports {name}"));
        }
    };
    // How many times `super` leads to the crate's root.
    let depth = parts.len() - usize::from(parts.last() == Some(&"mod"));
    for (at, token) in tokens.iter().enumerate() {
        let path_from = |skip: usize| tokens[at + skip..].iter().map(String::as_str);
        match token.as_str() {
            "greenroom" if path_from(1).take(1).eq([":"]) => import("greenroom"),
            "super" => {
                let supers = path_from(0).step_by(3).take_while(|token| *token == "super").count();
                if supers >= depth {
                    imported(&tokens[at + 3 * supers..], &mut import);
                }
            }
            "crate" if path_from(1).take(2).eq([":", ":"]) => imported(&tokens[at + 3..], &mut import),
            _ => {}
        }
    }
    found
}

/// The modules that a path names first: one, or those of a group.
fn imported(tokens: &[String], import: &mut impl FnMut(&str)) {
    if tokens.first().is_none_or(|token| token != "{") {
        return tokens.first().map_or((), |name| import(name));
    }
    let mut level = 0;
    let mut first = true;
    for token in tokens {
        match token.as_str() {
            "{" => level += 1,
            "}" => level -= 1,
            "," if level == 1 => first = true,
            name if level == 1 && first => {
                import(name);
                first = false;
            }
            _ => {}
        }
        if level == 0 {
            return;
        }
    }
}

#[test]
fn the_pure_floors_name_no_runtime_no_clock_and_no_socket() {
    check(
        "runtime/core/src",
        &Rule {
            find: |path, tokens| {
                let pure = ["observe/", "wire/", "signal/", "session/", "supervisor/plan/"];
                // The watchdog has a thread of its own.
                let excepted = ["observe/watchdog.rs"].contains(&path) || is_test(path);
                if !pure.iter().any(|pure| path.starts_with(pure)) || excepted {
                    return Vec::new();
                }
                let words = ["tokio", "spawn", "Clock", "SystemTime", "sleep", "net", "getrandom", "thread"];
                let mut found = named(tokens, &words);
                found.extend(paths(tokens, &[&["Instant", "now"]]));
                found
            },
            planted: &[
                ("wire/frame.rs", "use tokio::io::AsyncRead;"),
                ("session/lanes.rs", "let now = Instant::now();"),
                ("observe/metrics/mod.rs", "let now = SystemTime::now();"),
                ("session/mod.rs", "fn f(clock: &dyn Clock) {}"),
                ("signal/mod.rs", "std::thread::sleep(d);"),
                ("supervisor/plan/mod.rs", "node.spawn(child);"),
                ("session/hello.rs", "use std::net::SocketAddr;"),
            ],
            innocent: &[
                ("session/mod.rs", "/// See tokio.\nfn f(now: Instant) -> Instant { now }"),
                ("supervisor/process/mod.rs", "tokio::select! {}"),
            ],
        },
    );
}

#[test]
fn only_net_names_a_socket() {
    check(
        "runtime/core/src",
        &Rule {
            find: |path, tokens| {
                if path.starts_with("net/") {
                    return Vec::new();
                }
                // An address is data, and in `core`.
                let mut found = named(
                    tokens,
                    &["TcpStream", "TcpListener", "TcpSocket", "UdpSocket", "UnixStream", "UnixListener"],
                );
                found.extend(paths(tokens, &[&["tokio", "net"], &["std", "net"]]));
                found
            },
            planted: &[
                ("cluster/builder.rs", "use tokio::net::TcpListener;"),
                ("entry.rs", "fn f(stream: std::net::TcpStream) {}"),
                ("node/mod.rs", "use std::net;"),
            ],
            innocent: &[
                ("net/tcp.rs", "use tokio::net::TcpListener;"),
                ("cluster/mod.rs", "use crate::net::Tcp;"),
                ("base/error.rs", "use core::net::SocketAddr;"),
            ],
        },
    );
}

#[test]
fn nothing_is_global_but_the_current_node_and_the_panic_hook() {
    // A `static` by its file and name. The panic hook is the program's, as std has it, and is set once; the place of
    // the last panic is handed from the hook to whoever catches it, on the same thread.
    const STATED: &[(&str, &str)] =
        &[("node/current.rs", "HERE"), ("process/panic.rs", "NOTED"), ("process/panic.rs", "HOOK")];
    let rule = Rule {
        find: |path, tokens| {
            let mut found = Vec::new();
            for pair in tokens.windows(2) {
                if pair[0] == "static" && !STATED.contains(&(path, &pair[1])) {
                    found.push(format!("static {}", pair[1]));
                }
                if pair == ["thread_local", "!"] && !STATED.iter().any(|(stated, _)| *stated == path) {
                    found.push("thread_local!".to_owned());
                }
            }
            found.extend(named(tokens, &["lazy_static"]));
            found
        },
        planted: &[
            ("node/table.rs", "static TABLE: OnceLock<Table> = OnceLock::new();"),
            ("node/current.rs", "static OTHER: u8 = 0;"),
            ("call/slot.rs", "thread_local! { }"),
            ("net/tcp.rs", "fn f() { static mut COUNT: u8 = 0; }"),
        ],
        innocent: &[
            ("node/current.rs", "thread_local! { static HERE: Cell<u8> = const { Cell::new(0) }; }"),
            ("call/slot.rs", "fn f(name: &'static str) -> impl Sized + 'static {}"),
        ],
    };
    check("runtime/core/src", &rule);
    // What the macros generate stands in their sources.
    check("macros/src", &rule);
}

#[test]
fn processes_start_through_the_spawner() {
    check(
        "runtime/core/src",
        &Rule {
            find: |path, tokens| {
                if ["sched/spawner.rs", "sched/schedule.rs"].contains(&path) || is_test(path) {
                    return Vec::new();
                }
                let mut found = paths(tokens, &[&["tokio", "spawn"], &["task", "spawn"], &["thread", "spawn"]]);
                found.extend(named(tokens, &["spawn_blocking", "spawn_local", "JoinSet"]));
                found
            },
            planted: &[
                ("cluster/builder.rs", "tokio::spawn(task);"),
                ("process/life.rs", "tokio::task::spawn(task);"),
                ("process/life.rs", "std::thread::spawn(f);"),
                ("actor/context.rs", "task::spawn_blocking(f);"),
            ],
            innocent: &[
                ("sched/spawner.rs", "tokio::spawn(task);"),
                ("cluster/builder.rs", "node.spawner().spawn(task); crate::actor::spawn(f);"),
            ],
        },
    );
}

#[test]
fn nothing_is_unsafe_neither_here_nor_in_what_is_generated() {
    let rule = Rule {
        find: |path, tokens| {
            // The one place for it: a lock says in its own words why it is one.
            if path == "mailbox/lock.rs" {
                return Vec::new();
            }
            // `Token![unsafe]` is a macro's word for what it refuses.
            let refused = |at: usize| at > 0 && tokens[at - 1] == "[" && tokens.get(at + 1).is_some_and(|t| t == "]");
            let code = tokens.iter().enumerate().filter(|(at, token)| *token == "unsafe" && !refused(*at));
            code.map(|(_, token)| token.clone()).collect()
        },
        planted: &[
            ("mailbox/queue.rs", "fn f() { unsafe { g() } }"),
            ("actor/expand.rs", "quote! { unsafe impl Send }"),
        ],
        innocent: &[
            ("lib.rs", "#![forbid(unsafe_code)] type A = Token![unsafe];\n// unsafe\nconst A: &str = \"unsafe\";"),
            ("mailbox/lock.rs", "fn f() { unsafe { g() } }"),
        ],
    };
    check("runtime/core/src", &rule);
    check("macros/src", &rule);
}

/// The words among these that occur.
fn named(tokens: &[String], words: &[&str]) -> Vec<String> {
    tokens.iter().filter(|token| words.contains(&token.as_str())).cloned().collect()
}

/// The paths among these that occur, at the end of a longer one too.
fn paths(tokens: &[String], paths: &[&[&str]]) -> Vec<String> {
    let found = |path: &&&[&str]| {
        let path = path.join(" : : ");
        let path: Vec<_> = path.split(' ').collect();
        tokens.windows(path.len()).any(|window| window == path)
    };
    paths.iter().filter(found).map(|path| path.join("::")).collect()
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("tests/")
}

/// Each file under `root`, which is relative to the workspace, with its text.
fn sources(root: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(root);
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    let relative = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
    files.iter().map(|path| (relative(path), fs::read_to_string(path).unwrap())).collect()
}

/// Words and single signs, without comments, texts, lifetimes and `#[cfg(test)]` modules.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let quoted = rest.trim_start_matches('b').trim_start_matches('r');
        let hashes = quoted.len() - quoted.trim_start_matches('#').len();
        let raw = rest.starts_with(['r', 'b']) && quoted[hashes..].starts_with('"') && rest.len() - quoted.len() <= 2;
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if raw && rest[..rest.len() - quoted.len()].contains('r') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = rest.len() - quoted.len() + hashes + 1;
            rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
        } else if first == '"' {
            quote(rest, '"')
        } else if first == '\'' {
            // A lifetime has no second quote near by.
            let mut chars = rest.chars().skip(1);
            let (one, two) = (chars.next(), chars.next());
            if one == Some('\\') || two == Some('\'') { quote(rest, '\'') } else { 1 + word(&rest[1..]) }
        } else if first.is_alphanumeric() || first == '_' {
            tokens.push(rest[..word(rest)].to_owned());
            word(rest)
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    without_tests(tokens)
}

fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The length of what stands in quotes at the start.
fn quote(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let mut kept = Vec::new();
    let mut rest = &tokens[..];
    while let Some(token) = rest.first() {
        if rest.len() > marker.len() && rest[..marker.len()] == marker {
            let mut level = 0;
            let end = rest.iter().position(|token| {
                level += i32::from(token == "{") - i32::from(token == "}");
                level == 0 && (token == "}" || token == ";")
            });
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
            continue;
        }
        kept.push(token.clone());
        rest = &rest[1..];
    }
    kept
}

#[test]
fn texts_comments_and_tests_are_not_code() {
    let check = |text: &str, expected: &[&str]| assert_eq!(tokens(text), expected, "{text}");
    check("a::b // c\n/* d */ e", &["a", ":", ":", "b", "e"]);
    check(
        r##"a("b \" c", r#"d " e"#, b"f", br"g\", 'h', '\'', '"') i"##,
        &["a", "(", ",", ",", "b", ",", ",", ",", ",", ")", "i"],
    );
    check("fn f<'a>(x: &'static str)", &["fn", "f", "<", ">", "(", "x", ":", "&", "str", ")"]);
    check("a #[cfg(test)] mod tests { b { c } } d #[cfg(test)] mod tests; e", &["a", "d", "e"]);
    check("rate = b + r;", &["rate", "=", "b", "+", "r", ";"]);
}
