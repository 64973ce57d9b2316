//! Crowds of processes that start and end at random, in a program of their own: see `tests/src/bin/soak`.

use std::process::Command;

#[test]
fn random_crowds_leave_nothing_and_lose_nothing() {
    // For at least five seconds: a crowd that has started runs to its end.
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).args(["20000", "5"]).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    println!("{printed}");
}
