//! Wrong programs, and what the compiler says about them: the wrong word, and the fix.
//!
//! Each file under `ui` makes the one mistake that its name tells. `TRYBUILD=overwrite` writes the texts anew.

#[test]
fn mistakes_explain_themselves() {
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}
