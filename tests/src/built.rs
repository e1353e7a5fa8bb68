use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Builds what this line tells cargo to build (`test --no-run --test sequences`), as if it were called in the folder of the
/// workspace. Returns the programs by the names of their targets.
///
/// Cargo builds no test targets for other test targets, so it has to be asked to.
///
/// # Panics
///
/// They do not build.
pub fn built(line: &str) -> BTreeMap<String, PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(line.split_whitespace())
        .args(["--quiet", "--message-format=json"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo {line}: it does not build");
    let told = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    told.lines()
        .filter_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            let program = message["executable"].as_str()?;
            Some((message["target"]["name"].as_str()?.into(), program.into()))
        })
        .collect()
}
