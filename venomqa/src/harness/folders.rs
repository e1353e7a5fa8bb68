use std::path::{Path, PathBuf};

use super::Target;

/// Where files are kept.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The folder of the package's manifest.
    manifest: PathBuf,
    /// `target/venomqa`.
    scratch: PathBuf,
}

impl Folders {
    pub(crate) fn of(target: &Target) -> Self {
        let manifest = manifest(target.manifest_dir);
        let scratch = target_folder(&manifest).join("venomqa");
        Self { manifest, scratch }
    }

    /// The regressions that are checked in.
    pub(crate) fn regressions(&self, suite: &str) -> PathBuf {
        self.manifest
            .join("venomqa-regressions")
            .join(file_name(suite))
    }

    /// The regressions of a run of continuous integration, to be picked up as artifacts.
    pub(crate) fn new_regressions(&self, suite: &str) -> PathBuf {
        self.scratch.join("regressions").join(file_name(suite))
    }

    /// What the processes of one run of nextest share.
    pub(crate) fn run(&self, key: &str) -> PathBuf {
        self.runs().join(file_name(key))
    }

    /// The folders of all runs.
    pub(crate) fn runs(&self) -> PathBuf {
        self.scratch.join("runs")
    }

    /// What holds a suite while it is executed.
    pub(crate) fn lock(&self, crate_name: &str, suite: &str) -> PathBuf {
        self.scratch
            .join("locks")
            .join(file_name(&format!("{crate_name}-{suite}")))
    }

    /// A path as a person reads it: from the package, or else from the workspace around it, if it lies there.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let from_package = path.strip_prefix(&self.manifest).ok();
        let from_workspace = || {
            let mut above = self.manifest.ancestors();
            let workspace = above.find(|folder| folder.join("Cargo.lock").is_file())?;
            path.strip_prefix(workspace).ok()
        };
        let near = from_package.or_else(from_workspace).unwrap_or(path);
        near.display().to_string()
    }

    /// The name of the test target, of which only the crate's name is known: `-` became `_`.
    pub(crate) fn target_name(&self, crate_name: &str) -> String {
        let entries = std::fs::read_dir(self.manifest.join("tests"));
        let named = entries
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .find_map(|entry| {
                let path = entry.path();
                let name = path.file_stem()?.to_str()?;
                (name.replace('-', "_") == crate_name).then(|| name.to_owned())
            });
        named.unwrap_or_else(|| crate_name.to_owned())
    }
}

/// The folder that was compiled in, or where it is now if the program was moved to another machine (an archive of nextest).
fn manifest(compiled: &str) -> PathBuf {
    let compiled = PathBuf::from(compiled);
    if compiled.is_dir() {
        return compiled;
    }
    std::env::var_os("CARGO_MANIFEST_DIR").map_or(compiled, PathBuf::from)
}

fn target_folder(manifest: &Path) -> PathBuf {
    // A relative one is relative to where cargo was called, which nobody knows here.
    let given = std::env::var_os("CARGO_TARGET_DIR")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let program = std::env::current_exe();
    given
        .or_else(|| above_program(&program.ok()?))
        .unwrap_or_else(|| manifest.join("target"))
}

fn above_program(program: &Path) -> Option<PathBuf> {
    let above = || program.ancestors().skip(1);
    let tagged = above().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let named = || above().find(|folder| folder.ends_with("target"));
    // `<target>/<profile>/deps/<program>`
    let shaped = || {
        let deps = above().find(|folder| folder.ends_with("deps"))?;
        deps.parent()?.parent()
    };
    tagged.or_else(named).or_else(shaped).map(Path::to_path_buf)
}

/// The name with everything replaced that cannot stand in a file's name, cut to what file systems take.
pub(crate) fn file_name(name: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut made: String = name
        .chars()
        .map(|c| if safe(c) { c } else { '_' })
        .take(80)
        .collect();
    if made != name {
        // Two names must not meet in one file.
        made.push_str(&format!(
            "-{:08x}",
            xxhash_rust::xxh3::xxh3_64(name.as_bytes()) as u32
        ));
    }
    if made.starts_with('.') {
        made.insert(0, '_');
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_leads_nowhere_else() {
        assert_eq!(file_name("orders"), "orders");
        for odd in ["../../etc", "a/b", "..", "a\0b", "a:b"] {
            let made = file_name(odd);
            assert!(!made.contains(['/', '\\', ':', '\0']), "{made}");
            assert!(!made.starts_with('.'), "{made}");
        }
        assert_ne!(file_name("a/b"), file_name("a:b"));
    }

    #[test]
    fn a_path_is_shown_from_the_package_or_from_the_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("workspace");
        std::fs::create_dir_all(&workspace).unwrap();
        std::fs::write(workspace.join("Cargo.lock"), "").unwrap();
        let folders = Folders {
            manifest: workspace.join("shop"),
            scratch: workspace.join("target/venomqa"),
        };
        let shown = |path: &Path| folders.shown(path);
        let kept = folders.regressions("orders").join("a.json");
        assert_eq!(shown(&kept), "venomqa-regressions/orders/a.json");
        let new = folders.new_regressions("orders").join("a.json");
        assert_eq!(shown(&new), "target/venomqa/regressions/orders/a.json");
        let elsewhere = folder.path().join("a.json");
        assert_eq!(shown(&elsewhere), elsewhere.display().to_string());
    }

    #[test]
    fn the_target_folder_is_found_above_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let check = |program: &str, expected: Option<&str>| {
            let found = above_program(&folder.path().join(program));
            assert_eq!(found, expected.map(|path| folder.path().join(path)));
        };
        check("t/debug/deps/a-1", Some("t"));
        check("target/x86/debug/deps/a-1", Some("target"));
        std::fs::create_dir_all(folder.path().join("own")).unwrap();
        std::fs::write(folder.path().join("own/CACHEDIR.TAG"), "").unwrap();
        check("own/x86/debug/deps/a-1", Some("own"));
    }
}
