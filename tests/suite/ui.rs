//! Incorrect programs and their compiler messages: the wrong word and the fix.
//!
//! Each file under `ui` contains one mistake, named by the file. `TRYBUILD=overwrite` writes the messages anew.

#[test]
fn incorrect_programs_get_the_expected_messages() {
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}
