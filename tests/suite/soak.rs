//! Crowds of processes that live and die at random, in a program of their own: see `tests/src/bin/soak`.

use std::process::Command;

#[test]
fn of_crowds_that_live_and_die_at_random_nothing_is_left_and_nothing_was_lost() {
    // For ten seconds at least: a crowd that has begun goes on to its end.
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).args(["100000", "10"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{told}");
}
