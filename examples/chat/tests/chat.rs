//! The program as it is run: the demo, and what it says when it cannot start.

use std::path::PathBuf;
use std::process::{Command, Output};

fn chat(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chat")).args(args).output().expect("the program runs")
}

/// Two processes, one of them killed and started again.
#[test]
fn the_demo_loses_nothing_and_doubles_nothing() {
    let talk = concat!(env!("CARGO_MANIFEST_DIR"), "/data/talk.txt");
    let output = chat(&["--demo", talk]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(printed.lines().last(), Some("50 acknowledged, 0 lost, 0 doubled"), "{printed}\n{errors}");
    assert!(output.status.success());
    for told in ["-- b@demo is killed", "-- b@demo is started again", "a@demo hears Otto: ", "b@demo hears Vera: "] {
        assert!(printed.lines().any(|line| line.starts_with(told)), "{told}: {printed}");
    }
}

#[test]
fn what_does_not_start_says_so_in_one_line() {
    let scratch = Scratch::new();
    let garbage = scratch.0.join("garbage");
    std::fs::create_dir(&garbage).unwrap();
    std::fs::write(garbage.join("chat.redb"), "no database\n".repeat(1000)).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let fresh = scratch.0.join("fresh");
    let [fresh, garbage] = [&fresh, &garbage].map(|path| path.to_str().unwrap());
    for (args, expected) in [
        (&["--prot", "80"][..], "chat: unknown argument \"--prot\""),
        (
            &["--data", fresh, "--port", &port],
            "chat: application `chat` did not start: cannot start `web`: cannot listen at 127.0.0.1:",
        ),
        (
            &["--data", garbage, "--port", "0"],
            "chat: application `chat` did not start: cannot start `database`: cannot use the database ",
        ),
        (&["--demo", "nowhere.txt"], "chat: cannot read nowhere.txt: "),
    ] {
        let output = chat(args);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.starts_with(expected) && errors.lines().count() == 1, "{args:?}: {errors}");
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(2), &b""[..]), "{args:?}");
    }
}

/// A directory that is gone when this is.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        let path = std::env::temp_dir().join(format!("chat-test-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
