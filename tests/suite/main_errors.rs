//! The error that a `main` returns, as the program prints it.

use std::process::Command;

#[test]
fn an_error_of_main_is_printed_with_its_causes() {
    for arguments in [&[][..], &["boxed"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_main_error")).args(arguments).output().expect("the program runs");
        let text = String::from_utf8(output.stderr).expect("the output is UTF-8");
        assert_eq!(text, "error: cannot read the order: invalid digit found in string\n", "{arguments:?}");
        assert_eq!(output.status.code(), Some(1));
    }
}
