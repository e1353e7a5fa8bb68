use std::path::{Path, PathBuf};

use super::link::Link;
use super::options::RedisOptions;
use super::precheck::facts;
use super::stop::Stop;
use crate::database::patience::Patience;
use crate::database::safety::is_this_machine;
use crate::{Error, Result};

/// Where the files of ours for a server are: on this machine, because what is in Redis an application may empty.
#[derive(Clone, Debug)]
pub(super) struct Location {
    folder: PathBuf,
    /// The server's address as part of a file's name, the same for all ways to write it.
    server: String,
}

impl Location {
    /// Finds the folder, and makes it if there is none. `port` is that of the server behind a socket.
    pub(super) fn find(options: &RedisOptions, port: Option<u16>) -> Result<Self> {
        let folder = options.state_folder.clone().unwrap_or_else(state_folder);
        make(&folder).map_err(|source| Error::Database {
            system: options.system(),
            doing: format!(
                "make the folder {} for what leads back (`RedisOptions::state_folder` chooses another)",
                folder.display()
            ),
            source: source.into(),
        })?;
        let host = options.host_name();
        let server = match (options.port_number(), port) {
            (None, Some(port)) => format!("localhost-{port}"),
            (None, None) => {
                let path = std::fs::canonicalize(&host).unwrap_or_else(|_| host.into());
                file_name(&path.to_string_lossy())
            }
            (Some(port), _) if is_this_machine(&host) => format!("localhost-{port}"),
            (Some(port), _) => format!("{}-{port}", file_name(&host.to_ascii_lowercase())),
        };
        Ok(Self { folder, server })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file whose lock is the right to explore a database.
    pub(super) fn lock(&self, database: u32) -> PathBuf {
        self.file(database, "lock")
    }

    /// The copy of a database from before a run.
    pub(super) fn root_copy(&self, database: u32) -> PathBuf {
        self.file(database, "root")
    }

    fn file(&self, database: u32, what: &str) -> PathBuf {
        let name = format!("redis-{}-{database}.{what}", self.server);
        self.folder.join(name)
    }
}

/// The port at which a server is reached that was named by its socket: others may name it by that.
pub(super) async fn port_behind_socket(options: &RedisOptions) -> Result<Option<u16>> {
    if options.port_number().is_some() {
        return Ok(None);
    }
    let failed = |stop: Stop| stop.into_error(&options.system(), "connect");
    let mut link = Link::new(options, false).map_err(failed)?;
    let mut patience = Patience::new(options.settle);
    loop {
        match facts(&mut link).await {
            Ok(facts) => {
                let port = facts.get("tcp_port").and_then(|port| port.parse().ok());
                return Ok(port.filter(|port| *port != 0));
            }
            // That the user lacks a right is told when all of them are known.
            Err(Stop::Refused(_)) => return Ok(None),
            Err(Stop::Busy(_)) if patience.lasts().await => {}
            Err(stop) => return Err(failed(stop)),
        }
    }
}

/// Where programs keep what must outlive them and is of no interest to anybody else.
fn state_folder() -> PathBuf {
    let absolute = |name: &str| {
        let folder = std::env::var_os(name).map(PathBuf::from);
        folder.filter(|folder| folder.is_absolute())
    };
    let base = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir);
    base.join("venomqa")
}

/// Makes a folder that nobody else can look into.
fn make(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A text as part of a file's name; different texts make different names.
fn file_name(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let bytes = text.bytes().map(|byte| match keep(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02x}"),
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(options: RedisOptions) -> PathBuf {
        lock_behind(options, None)
    }

    fn lock_behind(options: RedisOptions, port: Option<u16>) -> PathBuf {
        let folder = std::env::temp_dir();
        let location = Location::find(&options.state_folder(&folder), port).expect("it is there");
        let lock = location.lock(3);
        lock.strip_prefix(folder)
            .expect("it is in there")
            .to_owned()
    }

    #[test]
    fn a_server_has_one_name_however_it_is_written() {
        for host in ["localhost", "127.0.0.1", "::1", "LOCALHOST"] {
            let name = lock(RedisOptions::new().host(host));
            assert_eq!(name, Path::new("redis-localhost-6379-3.lock"), "{host}");
        }
        assert_ne!(
            lock(RedisOptions::new()),
            lock(RedisOptions::new().port(7000))
        );
        let socket = lock(RedisOptions::new().host("/run/redis.sock"));
        assert_eq!(socket, Path::new("redis-%2frun%2fredis.sock-3.lock"));
        let socket = RedisOptions::new().host("/run/redis.sock");
        assert_eq!(
            lock_behind(socket, Some(6379)),
            Path::new("redis-localhost-6379-3.lock")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_has_one_name_by_whatever_path_it_is_reached() {
        let folder = tempfile::tempdir().expect("a folder");
        let [socket, link] = ["redis.sock", "link.sock"].map(|name| folder.path().join(name));
        std::fs::write(&socket, "").expect("written");
        std::os::unix::fs::symlink(&socket, &link).expect("a link");
        let name = |path: &Path| lock(RedisOptions::new().host(path.to_str().expect("a path")));
        assert_eq!(name(&socket), name(&link));
    }
}
