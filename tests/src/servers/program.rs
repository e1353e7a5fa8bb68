use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a server's program is, by the folders in which systems install it and the search path.
///
/// # Panics
///
/// It is not installed; the message has the command that installs it.
pub(super) fn find(program: &str, folders: &[PathBuf], package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let candidates = folders.iter().chain(&on_path);
    let found = candidates
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("`{program}` is not installed, and these tests need it: apt-get install {package} (or run `tests/run`, which does)")
    })
}

/// Runs something that must succeed, and returns what it printed.
///
/// # Panics
///
/// It does not; the message has what it printed.
pub(super) fn succeed(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// The versioned folders in which one program lies, the newest first: `/usr/lib/postgresql/15/bin`.
pub(super) fn versioned(parent: &str, below: &str) -> Vec<PathBuf> {
    let entries = Path::new(parent).read_dir().into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join(below)))
        })
        .collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .map(|(_, folder)| folder)
        .collect()
}
