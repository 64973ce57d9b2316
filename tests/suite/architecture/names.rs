//! Names that a part of the sources must not use: sockets, clocks, threads, statics, `unsafe`.

use super::layers::GENERATED;
use super::sizes::is_test;
use crate::source;

/// Names that must not occur somewhere.
struct Rule {
    /// Returns the violations in one file: its path, relative to a crate's `src`, and its code.
    find: fn(&str, &[&str]) -> Vec<String>,
    /// Files with a violation each.
    violating: &'static [(&'static str, &'static str)],
    /// Files without.
    innocent: &'static [(&'static str, &'static str)],
}

/// The rule finds each violating sample, nothing in the innocent ones, and nothing in the crate's sources.
#[track_caller]
fn check(src: &str, rule: &Rule) {
    for (path, text) in rule.violating {
        assert!(!(rule.find)(path, &source::code(text)).is_empty(), "no violation found in {path}: {text}");
    }
    for (path, text) in rule.innocent {
        let found = (rule.find)(path, &source::code(text));
        assert!(found.is_empty(), "found in {path}: {text}: {found:?}");
    }
    let files = source::files(&source::workspace().join(src), &["rs"]);
    assert!(files.len() > 10, "no sources in {src}");
    let mut found = Vec::new();
    for file in &files {
        found.extend(
            (rule.find)(&file.path, &source::code(&file.text)).iter().map(|name| format!("{}: {name}", file.path)),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn pure_modules_name_no_runtime_no_clock_and_no_socket() {
    check(
        "runtime/core/src",
        &Rule {
            find: |path, code| {
                let pure = ["observe/", "wire/", "signal/", "session/", "supervisor/plan/"];
                // The watchdog has a thread of its own.
                let excepted = path == "observe/watchdog.rs" || is_test(path);
                if !pure.iter().any(|pure| path.starts_with(pure)) || excepted {
                    return Vec::new();
                }
                let words = ["tokio", "spawn", "Clock", "SystemTime", "sleep", "net", "getrandom", "thread"];
                [named(code, &words), paths(code, &[&["Instant", "now"]])].concat()
            },
            violating: &[
                ("wire/frame.rs", "use tokio::io::AsyncRead;"),
                ("session/lanes.rs", "let now = Instant::now();"),
                ("observe/metrics/mod.rs", "let now = SystemTime::now();"),
                ("session/mod.rs", "fn f(clock: &dyn Clock) {}"),
                ("signal/mod.rs", "std::thread::park();"),
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
fn only_net_and_upgrade_name_a_socket() {
    check(
        "runtime/core/src",
        &Rule {
            find: |path, code| {
                if path.starts_with("net/") || path.starts_with("upgrade/") {
                    return Vec::new();
                }
                // An address is data, and in `core`.
                let sockets = ["TcpStream", "TcpListener", "TcpSocket", "UdpSocket", "UnixStream", "UnixListener"];
                [named(code, &sockets), paths(code, &[&["tokio", "net"], &["std", "net"]])].concat()
            },
            violating: &[
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
fn the_only_statics_belong_to_the_thread_or_the_program() {
    // Each by its file and name. A program has one panic hook, which is set once; the hook hands the source line of the
    // last panic to the code that catches it, on the same thread. A test that hangs is polled once more, on one thread that
    // records the pending awaits. A program has one predecessor, whose connection is its standard input, and its sockets
    // from systemd, which have numbers. Generated code has a place for the definition of each protocol.
    const ALLOWED: &[(&str, &str)] = &[
        ("node/current.rs", "THREAD"),
        ("node/current/awaits.rs", "IS_RECORDING"),
        ("node/current/awaits.rs", "RECORD"),
        ("process/panic.rs", "PANICS"),
        ("process/panic.rs", "HOOK"),
        ("upgrade/listener.rs", "ACTIVATED"),
        ("upgrade/origin.rs", "ORIGIN"),
    ];
    let rule = Rule {
        find: |path, code| {
            if is_test(path) {
                return Vec::new();
            }
            let mut found = named(code, &["lazy_static"]);
            for pair in code.windows(2) {
                let is_generated =
                    GENERATED.contains(&path) || path == "protocol/evolve.rs" || path.starts_with("snapshots/");
                let is_definition = is_generated && pair[1].starts_with("DEFINITION");
                if pair[0] == "static" && !is_definition && !ALLOWED.contains(&(path, pair[1])) {
                    found.push(format!("static {}", pair[1]));
                }
                if pair == ["thread_local", "!"] && !ALLOWED.iter().any(|(allowed, _)| *allowed == path) {
                    found.push("thread_local!".to_owned());
                }
            }
            found
        },
        violating: &[
            ("node/table.rs", "static TABLE: OnceLock<Table> = OnceLock::new();"),
            ("node/current.rs", "static OTHER: u8 = 0;"),
            ("call/reply/slot.rs", "thread_local! { }"),
            ("net/tcp.rs", "fn f() { static mut COUNT: u8 = 0; }"),
        ],
        innocent: &[
            ("node/current.rs", "thread_local! { static THREAD: Cell<u8> = const { Cell::new(0) }; }"),
            ("call/reply/slot.rs", "fn f(name: &'static str) -> impl Sized + 'static {}"),
        ],
    };
    check("runtime/core/src", &rule);
    // The macros' own sources contain the code that they generate.
    check("macros/src", &rule);
}

#[test]
fn only_the_spawner_starts_tasks_and_threads() {
    check(
        "runtime/core/src",
        &Rule {
            find: |path, code| {
                // The shim has no node.
                let excepted = ["sched/spawner.rs", "sched/schedule.rs", "upgrade/ending/shim.rs"];
                if excepted.contains(&path) || is_test(path) {
                    return Vec::new();
                }
                let started = paths(code, &[&["tokio", "spawn"], &["task", "spawn"], &["thread", "spawn"]]);
                [started, named(code, &["spawn_blocking", "spawn_local", "JoinSet"])].concat()
            },
            violating: &[
                ("cluster/builder.rs", "tokio::spawn(task);"),
                ("process/task.rs", "tokio::task::spawn(task);"),
                ("process/task.rs", "std::thread::spawn(f);"),
                ("actor/process.rs", "task::spawn_blocking(f);"),
            ],
            innocent: &[
                ("sched/spawner.rs", "tokio::spawn(task);"),
                ("cluster/builder.rs", "node.spawner().spawn(task); crate::actor::spawn(f);"),
            ],
        },
    );
}

#[test]
fn only_the_lock_is_unsafe_and_generated_code_is_not() {
    let rule = Rule {
        find: |path, code| {
            // Its comments state why each block is sound.
            if path == "mailbox/waking_lock.rs" {
                return Vec::new();
            }
            // `Token![unsafe]` is the keyword in a macro that rejects it.
            let token = |at: usize| at > 0 && code[at - 1] == "[" && code.get(at + 1) == Some(&"]");
            let found = code.iter().enumerate().filter(|(at, word)| **word == "unsafe" && !token(*at));
            found.map(|(_, word)| (*word).to_owned()).collect()
        },
        violating: &[
            ("mailbox/queue.rs", "fn f() { unsafe { g() } }"),
            ("actor/expand.rs", "quote! { unsafe impl Send }"),
        ],
        innocent: &[
            ("lib.rs", "#![forbid(unsafe_code)] type A = Token![unsafe];\n// unsafe\nconst A: &str = \"unsafe\";"),
            ("mailbox/waking_lock.rs", "fn f() { unsafe { g() } }"),
        ],
    };
    check("runtime/core/src", &rule);
    check("macros/src", &rule);
}

/// Returns the words among these that occur.
fn named(code: &[&str], words: &[&str]) -> Vec<String> {
    code.iter().filter(|token| words.contains(token)).map(|token| (*token).to_owned()).collect()
}

/// Returns the paths among these that occur, alone or at the end of a longer one.
fn paths(code: &[&str], paths: &[&[&str]]) -> Vec<String> {
    let occurs = |path: &&&[&str]| {
        let path = path.join(" : : ");
        let path: Vec<_> = path.split(' ').collect();
        code.windows(path.len()).any(|window| window == path)
    };
    paths.iter().filter(occurs).map(|path| path.join("::")).collect()
}

#[test]
fn log_events_escape_texts_that_may_come_from_messages_or_peers() {
    check(
        "runtime/core/src",
        &Rule {
            find: |_, code| {
                // Values without such texts. A node's name has no control characters.
                let plain = ["pid", "kind", "node", "name", "self", "to", "from", "peer", "peer_name", "address"];
                let displayed = code.windows(5).filter(|tokens| {
                    tokens[1] == "%" && [",", "(", "=", ";"].contains(&tokens[0]) && !plain.contains(&tokens[2])
                });
                let unescaped = displayed.filter(|tokens| !(tokens[2] == "log" && tokens[4] == ":"));
                unescaped.map(|tokens| format!("%{}", tokens[2])).collect()
            },
            violating: &[
                ("a.rs", "log::warn!(target: \"greenroom\", %error, \"failed\");"),
                ("a.rs", "log::warn!(target: \"greenroom\", node = %node.name(), reason = %closed, \"down\");"),
            ],
            innocent: &[
                ("a.rs", "log::warn!(%pid, reason = %log::Escaped(reason), \"ended\");"),
                ("a.rs", "let (x, y) = (a % b, c[0] % d); y = e() % f;"),
            ],
        },
    );
}
