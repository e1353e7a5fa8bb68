use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use venomqa_tests::{Run, undisturbed};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"));
    examples.parent().unwrap().to_owned()
}

pub(crate) fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// The one block in this language that starts so.
#[track_caller]
pub(crate) fn block(text: &str, language: &str, start: &str) -> String {
    let opening = format!("\n```{language}\n");
    let blocks = text.split(&opening).skip(1);
    let mut found = blocks
        .filter(|rest| rest.starts_with(start))
        .map(|rest| rest.split("\n```\n").next().unwrap());
    match (found.next(), found.next()) {
        (Some(block), None) => format!("{block}\n"),
        _ => panic!("not one block in {language} that starts with {start:?}"),
    }
}

/// The targets of links that lead to files.
pub(crate) fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.starts_with("http"))
}

/// Runs the command in the first line of a block, after its `$`, in the folder of the workspace.
pub(crate) fn shell(block: &str) -> Run {
    let command = block.lines().next().unwrap().strip_prefix("$ ").unwrap();
    let mut shell = undisturbed("sh");
    let shell = in_cargos_way(&mut shell).args(["-c", command]);
    // The sources stay as they are.
    let shell = shell.env("VENOMQA_UPDATE", "no").current_dir(root());
    Run::of(shell.spawn().unwrap())
}

/// With the cargo that runs these tests, and without colour.
pub(crate) fn in_cargos_way(command: &mut Command) -> &mut Command {
    let cargo = Path::new(env!("CARGO")).parent().unwrap();
    let mut path = OsString::from(cargo);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    command
        .env("PATH", path)
        .env("CARGO_TERM_COLOR", "never")
        .env_remove("CLICOLOR_FORCE")
}

/// Checks that a block shows this output: line by line, times aside, with any number of lines where it has a `…`.
#[track_caller]
pub(crate) fn shows(block: &str, output: &str) {
    let output: Vec<_> = output.lines().map(without_time).collect();
    let shown: Vec<_> = block.lines().skip(1).map(without_time).collect();
    let mut parts = shown.split(|line| line == "…").peekable();
    let mut rest = &output[..];
    let mut first = true;
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let at = match (first, last) {
            (true, true) => (rest == part).then_some(0),
            (true, false) => rest.starts_with(part).then_some(0),
            (false, true) if part.is_empty() => Some(0),
            (false, true) => rest.ends_with(part).then(|| rest.len() - part.len()),
            (false, false) => rest
                .windows(part.len().max(1))
                .position(|lines| lines == part),
        };
        let missing = || {
            panic!(
                "not shown now:\n{}\n\nbut:\n{}",
                part.join("\n"),
                rest.join("\n")
            )
        };
        rest = &rest[at.unwrap_or_else(missing) + part.len()..];
        first = false;
    }
}

/// The line, with the time in it, such as `0.67 s`, replaced.
fn without_time(line: &str) -> String {
    let replaced = line.split_once(" in ").and_then(|(before, rest)| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (time, unit) = rest.split_at(end);
        let after = ["s", " s", "ms"]
            .iter()
            .find_map(|s| unit.strip_prefix(s))?;
        time.parse::<f64>().ok()?;
        Some(format!("{before} in [time]{after}"))
    });
    replaced.unwrap_or_else(|| line.to_owned())
}
