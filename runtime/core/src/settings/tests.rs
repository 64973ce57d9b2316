//! Tests as data: the layers, and the loaded struct or the error.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FILES, Settings, sources};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Chat {
    port: u16,
    name: String,
    level: Level,
    seeds: Vec<String>,
    #[serde(rename = "max-users")]
    max_users: Option<u32>,
    database: Database,
    limits: BTreeMap<String, f64>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Database {
    path: PathBuf,
    cache: u8,
    sync: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    #[default]
    Info,
    Debug,
    File {
        path: String,
    },
}

/// A struct without defaults, whose own `Deserialize` rejects unknown keys.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    user: String,
    password: Secret,
}

#[derive(Debug, Serialize, Deserialize)]
struct Secret {
    words: Vec<u8>,
}

fn settings(file: &str, variables: &str) -> Settings {
    let mut settings = Settings::new();
    settings.layers[FILES].push(sources::parse(Path::new("chat.toml"), file));
    let variables = variables.lines().filter_map(|line| line.trim().split_once('='));
    settings.variables("CHAT", variables.map(|(name, value)| (name.into(), value.into())))
}

/// Loads `Chat` over its defaults and checks the values, or the error.
#[track_caller]
fn check(file: &str, variables: &str, expected: &str) {
    let defaults = Chat {
        port: 8080,
        database: Database { path: "chat.redb".into(), cache: 64, sync: true },
        max_users: Some(100),
        ..Chat::default()
    };
    let loaded = settings(file, variables).defaults(&defaults).load::<Chat>();
    let actual = match loaded {
        Ok(Chat { port, name, level, seeds, max_users, database: Database { path, cache, sync }, limits }) => {
            format!("{port} {name:?} {level:?} {seeds:?} {max_users:?} {path:?} {cache} {sync} {limits:?}")
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(actual, expected);
}

/// Loads `Strict` and checks the error, or that there is no error.
#[track_caller]
fn check_strict(file: &str, variables: &str, expected: &str) {
    let actual = settings(file, variables).load::<Strict>().map_or_else(|error| error.to_string(), |_| String::new());
    assert_eq!(actual, expected);
}

#[test]
fn the_upper_layer_wins_key_by_key() {
    check("", "", r#"8080 "" Info [] Some(100) "chat.redb" 64 true {}"#);
    check(
        "port = 81\nname = 'x'\nlevel = 'debug'\nseeds = ['a', 'b']\n[database]\ncache = 1\n[limits]\na = 1.5\n",
        "",
        r#"81 "x" Debug ["a", "b"] Some(100) "chat.redb" 1 true {"a": 1.5}"#,
    );
    check(
        "port = 81\ndatabase.path = 'a'\nlevel.file.path = 'log'",
        "CHAT_PORT=82\nCHAT_DATABASE__PATH=b\nCHAT_MAX_USERS=7\nCHATTER_PORT=1\nOTHER=1\nCHAT_NAME=",
        r#"82 "" File { path: "log" } [] Some(7) "b" 64 true {}"#,
    );
    // The text of a variable is read as the field's type.
    check(
        "",
        "CHAT_NAME=007\nCHAT_SEEDS=a:1, b:2\nCHAT_LEVEL=debug\nCHAT_DATABASE__SYNC=false\nCHAT_LIMITS__A=2",
        r#"8080 "007" Debug ["a:1", "b:2"] Some(100) "chat.redb" 64 false {"a": 2.0}"#,
    );
    check(
        "",
        "CHAT_SEEDS=['a,b']\nCHAT_LEVEL={file = {path = 'x'}}\nCHAT_LIMITS={a = 1.0}",
        r#"8080 "" File { path: "x" } ["a,b"] Some(100) "chat.redb" 64 true {"a": 1.0}"#,
    );
}

#[test]
fn an_error_names_key_and_origin_but_not_the_value() {
    check("name = 'x'\nport = 'hunter2'", "", "chat.toml:2:8: `port`: expected u16, found a string");
    check("port = 70000", "", "chat.toml:1:8: `port`: expected u16, found an integer that is not a valid value");
    check("[database]\n  cache = 1.5", "", "chat.toml:2:11: `database.cache`: expected u8, found a float");
    check("database = 3", "", "chat.toml:1:12: `database`: expected struct Database, found an integer");
    check("seeds = ['a', 7]", "", "chat.toml:1:15: `seeds.1`: expected a string, found an integer");
    check("level = 'hunter2'", "", "chat.toml:1:9: `level`: expected one of `info`, `debug`, `file`");
    check("level.file.path = 1", "", "chat.toml:1:19: `level.file.path`: expected a string, found an integer");
    check("", "CHAT_PORT=hunter2", "CHAT_PORT in the environment: `port`: expected u16");
    check("", "CHAT_DATABASE__CACHE=256", "CHAT_DATABASE__CACHE in the environment: `database.cache`: expected u8");
    check(
        "",
        "CHAT_DATABASE=x",
        "CHAT_DATABASE in the environment: `database`: expected struct Database, found a string",
    );
    check("", "CHAT_PORT__X=1", "CHAT_PORT__X in the environment: `port`: expected u16, found a table");
    check("", "CHAT_SEEDS=[1", "CHAT_SEEDS in the environment: `seeds`: unclosed array, expected `]`");
    check("port = 1\nport = 2", "", "chat.toml:2:1: duplicate key");
    check("name = \"hunter2", "", "chat.toml:1:16: invalid basic string, expected `\"`");
}

#[test]
fn an_unknown_key_is_an_error_with_a_suggestion() {
    check("prot = 1", "", "chat.toml:1:1: `prot`: unknown key; did you mean `port`?");
    check(
        "[database]\n\nfile = 1",
        "",
        "chat.toml:3:1: `database.file`: unknown key; expected one of `path`, `cache`, `sync`",
    );
    check(
        "",
        "CHAT_DATABASE__CASH=1",
        "CHAT_DATABASE__CASH in the environment: `database.cash`: unknown key; did you mean `cache`?",
    );
    check_strict("user = 'u'\nusr = 'x'", "", "chat.toml:2:1: `usr`: unknown key; did you mean `user`?");
    check_strict("user = 'u'", "", "`password`: not set, and without a default");
    check_strict("user = 'u'\n[password]", "", "`password.words`: not set, and without a default");
    check_strict(
        "user = 'u'",
        "CHAT_PASSWORD__WORDS=1,hunter2",
        "CHAT_PASSWORD__WORDS in the environment: `password.words.1`: expected u8",
    );
    check_strict("user = 'u'", "CHAT_PASSWORD__WORDS=1,2", "");
}

#[test]
fn values_of_the_program_win_and_their_errors_name_it() {
    let load = |settings: Settings| settings.defaults(&Chat::default()).load::<Chat>();
    let result = |settings| load(settings).map_or_else(|error| error.to_string(), |chat| format!("{chat:?}"));
    let lower = || settings("port = 1\ndatabase.cache = 1", "CHAT_PORT=2\nCHAT_DATABASE__CACHE=2");
    let chat = load(lower().set("port", 3).set_some("database.cache", Some(3)).set_some("name", None::<String>));
    assert!(chat.is_ok_and(|chat| (chat.port, chat.database.cache, &*chat.name) == (3, 3, "")));
    assert_eq!(result(lower().set("port", "x")), "set by the program: `port`: expected u16, found a string");
    assert_eq!(result(lower().set("ports", 3)), "set by the program: `ports`: unknown key; did you mean `port`?");
    let not_toml = "set by the program: `port`: not a TOML value: expected a string, a boolean, a list, a table or a number; integers below 2^63";
    assert_eq!(result(lower().set("port", u64::MAX)), not_toml);
    let error = Settings::new().file("nowhere.toml").load::<Chat>().unwrap_err();
    assert_eq!(error.to_string(), "nowhere.toml: cannot read the file");
    assert!(error.source().is_some_and(<dyn Error>::is::<std::io::Error>));
    assert!(load(Settings::new().optional_file("nowhere.toml")).is_ok());
}
