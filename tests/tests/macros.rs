//! What a user sees after a mistake in an attribute: one error, at the right token, that says what to do. And that whatever
//! is no mistake compiles, without a warning.

use std::fs;

#[test]
fn the_attributes_refuse_mistakes_and_nothing_else() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/macros/mistakes/*.rs");
    cases.pass("tests/macros/accepted/*.rs");
}

#[test]
fn every_mistake_is_a_single_error() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/macros/mistakes");
    let paths = fs::read_dir(folder).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.extension().is_some_and(|end| end == "stderr")) {
        let shown = fs::read_to_string(&path).unwrap();
        let messages = ["error", "warning"];
        let messages = shown
            .lines()
            .filter(|line| messages.iter().any(|message| line.starts_with(message)));
        assert_eq!(messages.count(), 1, "{}:\n{shown}", path.display());
    }
}
