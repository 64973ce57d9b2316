//! Crowds of processes that live and die at random, in a program of their own: see `tests/src/bin/soak`.

use std::process::Command;

#[test]
fn of_crowds_that_live_and_die_at_random_nothing_is_left_and_nothing_was_lost() {
    // One crowd after the other, 100,000 processes together on a machine with nothing else to do.
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).args(["10000", "5"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{told}");
}
