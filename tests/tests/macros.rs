//! What a user sees after a mistake in an attribute: one error, at the right token, that says what to do.

#[test]
fn every_mistake_is_one_clear_error() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/macros/mistakes/*.rs");
    cases.pass("tests/macros/accepted/*.rs");
}
