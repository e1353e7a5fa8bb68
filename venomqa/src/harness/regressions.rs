use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Severity, Violation};

/// The part of a test's name that tells regressions from rules.
pub(crate) const GROUP: &str = "regressions";

/// The version of the files that are written. Files of a later one are refused.
const SCHEMA: u32 = 1;

/// The largest file that is read: ours are a few kilobytes.
const LARGEST: u64 = 1 << 20;

/// A sequence that once broke a rule, kept in a file that is meant to be checked in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Regression {
    schema: u32,
    /// The rule that it broke.
    pub(crate) rule: String,
    /// The severity that the rule had.
    pub(crate) severity: Severity,
    /// Whether the rule is one of VenomQA's own.
    pub(crate) built_in: bool,
    /// Why the rule was broken, in its own words.
    pub(crate) message: String,
    /// The actions, in order.
    pub(crate) sequence: Vec<RegressionStep>,
}

/// One action of a [`Regression`], and what it did when it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RegressionStep {
    /// The action with its arguments.
    pub(crate) action: String,
    /// The requests, and what they were answered.
    #[serde(default)]
    pub(crate) calls: Vec<String>,
    /// The rows that it changed.
    #[serde(default)]
    pub(crate) changes: Vec<String>,
}

/// The regressions of a folder: the names of their tests, and their files. No file is read.
pub(crate) fn listed(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .filter_map(|path| {
            let stem = path.file_stem()?.to_string_lossy().into_owned();
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            let shown = |c: char| if plain(c) { c } else { '_' };
            Some((stem.chars().map(shown).collect(), path))
        })
        .collect();
    found.sort();
    found
}

impl Regression {
    /// What is kept of a violation.
    pub(crate) fn of(violation: &Violation) -> Self {
        Self {
            schema: SCHEMA,
            rule: violation.rule.clone(),
            severity: violation.severity,
            built_in: violation.built_in,
            message: violation.message.clone(),
            sequence: violation
                .sequence
                .iter()
                .map(|step| RegressionStep {
                    action: step.label.clone(),
                    calls: step.exchanges.iter().map(ToString::to_string).collect(),
                    changes: step.changes.clone(),
                })
                .collect(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It is none of ours, too large, or of a later version; the message says what to do.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let unreadable = |error: io::Error| format!("it cannot be read: {error}");
        let about = fs::metadata(path).map_err(unreadable)?;
        if !about.is_file() {
            return Err("it is no file; remove it".into());
        }
        if about.len() > LARGEST {
            return Err(format!(
                "it has {} bytes and so is no regression; delete it",
                about.len()
            ));
        }
        let text = fs::read(path).map_err(unreadable)?;
        // The version comes first: a later one may have other fields.
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let broken = |error: serde_json::Error| {
            format!("it is no regression ({error}); restore it from version control, or delete it")
        };
        let version: Version = serde_json::from_slice(&text).map_err(broken)?;
        if version.schema != SCHEMA {
            return Err(format!(
                "it has schema {}, this version of VenomQA reads {SCHEMA}: update VenomQA, or delete the file",
                version.schema
            ));
        }
        serde_json::from_slice(&text).map_err(broken)
    }

    /// The actions with their arguments.
    pub(crate) fn labels(&self) -> Vec<String> {
        self.sequence.iter().map(|s| s.action.clone()).collect()
    }

    /// The name of its file, which depends on the rule and the sequence only.
    pub(crate) fn file_name(&self) -> String {
        let hash = xxh3_64(self.labels().join("\n").as_bytes());
        format!("{}-{:08x}.json", self.rule, hash >> 32)
    }

    /// Writes it into the folder unless it is there; with `over`, also if it is. Returns the file if one was written.
    ///
    /// # Errors
    ///
    /// The folder cannot be written to.
    pub(crate) fn write(&self, folder: &Path, over: bool) -> io::Result<Option<PathBuf>> {
        let path = folder.join(self.file_name());
        if path.exists() && !over {
            return Ok(None);
        }
        let mut text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        text.push('\n');
        write_whole(&path, text.as_bytes())?;
        Ok(Some(path))
    }
}

/// Writes a file that others see whole or not at all.
pub(crate) fn write_whole(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, contents)?;
    // Temporary files are private to their owner; these are to be read by whoever reads the sources.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let _ = file
            .as_file()
            .set_permissions(fs::Permissions::from_mode(0o644));
    }
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regression(labels: &[&str]) -> Regression {
        Regression {
            schema: SCHEMA,
            rule: "no_over_refund".into(),
            severity: Severity::Critical,
            built_in: false,
            message: "refunded 200 of 100".into(),
            sequence: labels
                .iter()
                .map(|&label| RegressionStep {
                    action: label.into(),
                    calls: Vec::new(),
                    changes: Vec::new(),
                })
                .collect(),
        }
    }

    #[test]
    fn the_name_of_the_file_follows_rule_and_sequence_only() {
        let one = regression(&["create[a=1]", "refund"]);
        let other = Regression {
            message: "something else".into(),
            severity: Severity::Low,
            ..one.clone()
        };
        assert_eq!(one.file_name(), other.file_name());
        assert_ne!(
            one.file_name(),
            regression(&["create[a=2]", "refund"]).file_name()
        );
        let stem = one.file_name();
        assert!(stem.starts_with("no_over_refund-") && stem.len() == 15 + 8 + 5);
    }

    #[test]
    fn what_is_there_is_not_written_again_unless_asked() {
        let folder = tempfile::tempdir().unwrap();
        let one = regression(&["create", "refund"]);
        let path = one.write(folder.path(), false).unwrap().unwrap();
        assert_eq!(Regression::read(&path).unwrap(), one);
        assert_eq!(one.write(folder.path(), false).unwrap(), None);
        assert!(one.write(folder.path(), true).unwrap().is_some());
        let stem = one.file_name().replace(".json", "");
        assert_eq!(listed(folder.path()), [(stem, path)]);
    }

    #[test]
    fn a_file_that_is_no_regression_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let check = |contents: &[u8], said: &str| {
            let path = folder.path().join("r-1.json");
            fs::write(&path, contents).unwrap();
            let error = Regression::read(&path).unwrap_err();
            assert!(error.contains(said), "{error}");
        };
        check(b"", "delete it");
        check(b"\xff\xfe{", "delete it");
        check(b"[1, 2]", "delete it");
        check(br#"{"schema": 1, "rule": 7}"#, "delete it");
        check(br#"{"schema": 99, "new": true}"#, "schema 99");
        check(&vec![b' '; 2 << 20], "delete it");
        check("[".repeat(100_000).as_bytes(), "delete it");
        let inner = folder.path().join("folder-1.json");
        fs::create_dir(&inner).unwrap();
        assert!(Regression::read(&inner).unwrap_err().contains("no file"));
    }

    #[test]
    fn the_name_of_a_file_cannot_break_the_list() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a\nb: test\x1b.json"), "").unwrap();
        fs::write(folder.path().join("README.md"), "").unwrap();
        let names: Vec<_> = listed(folder.path()).into_iter().map(|(n, _)| n).collect();
        assert_eq!(names, ["a_b__test_"]);
    }
}
