//! The program's output.

use std::process::Command;

#[test]
fn a_failed_sensor_is_started_again_and_its_lines_are_sorted() {
    let output = Command::new(env!("CARGO_BIN_EXE_port")).output().expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    let expected = "\
the sensor was started 2 times
sort exited: normal
bed: 3 degrees
cellar: 6 degrees
garage: 6 degrees
yard: 4 degrees
";
    assert_eq!(printed, expected, "{errors}");
    assert!(output.status.success());
    assert!(errors.contains("exit status: 3"), "{errors}");
}
