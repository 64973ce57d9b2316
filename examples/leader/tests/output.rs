//! The program, as a user runs it.

use std::process::Command;

#[test]
fn the_killed_leader_is_replaced_and_takes_over_when_it_returns() {
    let output = Command::new(env!("CARGO_BIN_EXE_leader")).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let is_step = |line: &&str| line.ends_with("leads") || line.ends_with("stopped") || line.ends_with("killed");
    let steps: Vec<_> = text.lines().filter(is_step).collect();
    let expected =
        ["one@leader leads", "one@leader is killed", "two@leader leads", "two@leader has stopped", "one@leader leads"];
    assert_eq!(steps, expected);
}
