use std::path::Path;

/// Who keeps a database file locked, as far as the operating system tells.
#[cfg(target_os = "linux")]
pub(super) fn holders(database: &Path) -> Vec<String> {
    // The list is read in pieces while it changes, so a line may be missing from it.
    let readings = (0..8).map(|_| std::fs::read_to_string("/proc/locks").unwrap_or_default());
    readings
        .map(|locks| holders_in(&locks, database))
        .find(|holders| !holders.is_empty())
        .unwrap_or_default()
}

#[cfg(target_os = "linux")]
fn holders_in(locks: &str, database: &Path) -> Vec<String> {
    let mut shared_memory = database.as_os_str().to_owned();
    shared_memory.push("-shm");
    let (file, shared_memory) = (inode(database), inode(Path::new(&shared_memory)));
    let held: Vec<_> = locks.lines().filter_map(Held::parse).collect();
    let writes = |held: &&Held<'_>| {
        let in_file = Some(held.inode) == file && held.first >= PENDING_BYTE;
        let in_wal = Some(held.inode) == shared_memory && held.first == WAL_WRITE_LOCK;
        held.exclusive && (in_file || in_wal)
    };
    let mut holders: Vec<_> = held.iter().filter(writes).map(Held::holder).collect();
    if holders.is_empty() && shared_memory.is_none() {
        // Without a write-ahead log a reader is in the way too.
        let reads = held
            .iter()
            .filter(|held| Some(held.inode) == file && held.first > PENDING_BYTE);
        holders = reads.map(Held::holder).collect();
    }
    holders.sort_unstable();
    holders.dedup();
    holders
}

#[cfg(not(target_os = "linux"))]
pub(super) fn holders(_: &Path) -> Vec<String> {
    Vec::new()
}

/// Where SQLite locks, by its file format.
#[cfg(target_os = "linux")]
const PENDING_BYTE: u64 = 0x4000_0000;
#[cfg(target_os = "linux")]
const WAL_WRITE_LOCK: u64 = 120;

#[cfg(target_os = "linux")]
fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|metadata| metadata.ino())
}

/// A line of `/proc/locks`.
#[cfg(target_os = "linux")]
struct Held<'a> {
    exclusive: bool,
    process: &'a str,
    inode: u64,
    first: u64,
}

#[cfg(target_os = "linux")]
impl<'a> Held<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let fields: Vec<_> = line.split_whitespace().collect();
        let &[_, "POSIX", _, kind, process, file, first, _] = fields.as_slice() else {
            return None;
        };
        Some(Self {
            exclusive: kind == "WRITE",
            process,
            inode: file.rsplit(':').next()?.parse().ok()?,
            first: first.parse().ok()?,
        })
    }

    fn holder(&self) -> String {
        if self.process.parse() == Ok(std::process::id()) {
            return "a connection of this process".into();
        }
        let name =
            std::fs::read_to_string(format!("/proc/{}/comm", self.process)).unwrap_or_default();
        format!("{} (process {})", name.trim(), self.process)
    }
}
