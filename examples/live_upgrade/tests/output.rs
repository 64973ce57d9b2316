//! The program, as a user runs it.

use std::process::Command;

#[test]
fn three_upgrades_lose_no_call_and_no_connection() {
    let output = Command::new(env!("CARGO_BIN_EXE_live_upgrade")).arg("--built").output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let upgrades = text.lines().filter(|line| line.starts_with("upgrade to ")).count();
    assert_eq!((upgrades, text.lines().last()), (3, Some("events of nodes: [], lost calls: 0")), "{text}");
}
