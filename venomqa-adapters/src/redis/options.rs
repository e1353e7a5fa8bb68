use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

use super::RedisAdapter;
use crate::{Error, Result, WaitHook};

/// Where the server is, which of its databases take part, and how [`RedisAdapter`] follows and waits.
///
/// ```no_run
/// # use std::time::Duration;
/// # use venomqa_adapters::{RedisMode, RedisOptions, Result};
/// # async fn check() -> Result<()> {
/// let cache = RedisOptions::from_url("redis://127.0.0.1:6379")?
///     .databases([3, 4])
///     .mode(RedisMode::Tracking)
///     .ignore_keys("metrics:*")
///     .settle(Duration::from_secs(2))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisOptions {
    address: ConnectionAddr,
    user: Option<String>,
    password: Option<String>,
    /// In ascending order.
    pub(super) databases: Vec<u32>,
    pub(super) mode: RedisMode,
    pub(super) ignored: Ignored,
    pub(super) ignored_columns: Vec<String>,
    pub(super) settle: Duration,
    pub(super) lock_wait: Duration,
    pub(super) on_wait: Option<WaitHook>,
    pub(super) remote_allowed: bool,
    pub(super) state_folder: Option<PathBuf>,
}

/// How Redis databases go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedisMode {
    /// By tracking on Redis 7 and later, where the user may; otherwise by dumps. `about()` says which, and why.
    #[default]
    Auto,
    /// The server tells which keys change (RESP3 client tracking), and only those are read and written.
    Tracking,
    /// Every step reads all keys: it sees what tracking cannot be told of, but costs what is stored.
    Dump,
}

/// What the user does not want followed or told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ignored {
    /// Patterns of keys.
    pub(super) keys: Vec<String>,
    /// Patterns of keys, each with the name of a hash's field.
    pub(super) fields: Vec<(String, String)>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl RedisOptions {
    /// Database 0 of the server at 127.0.0.1, port 6379.
    pub fn new() -> Self {
        Self {
            address: ConnectionAddr::Tcp("127.0.0.1".into(), 6379),
            user: None,
            password: None,
            databases: vec![0],
            mode: RedisMode::default(),
            ignored: Ignored::default(),
            ignored_columns: Vec::new(),
            settle: Duration::from_secs(5),
            lock_wait: Duration::from_secs(600),
            on_wait: None,
            remote_allowed: false,
            state_folder: None,
        }
    }

    /// The server and database of a URL, such as `redis://user:password@127.0.0.1:6379/3`, or `redis+unix:///run/redis.sock?db=3`
    /// for a socket. `rediss://` is an encrypted connection and takes the feature `tls`; with `#insecure` at the end of the URL it
    /// takes any certificate, unchecked.
    ///
    /// # Errors
    ///
    /// It is not the URL of a Redis database.
    pub fn from_url(url: &str) -> Result<Self> {
        let info = url
            .into_connection_info()
            .map_err(|source| Error::Database {
                system: "Redis".into(),
                doing: "read its URL, which looks like redis://user:password@127.0.0.1:6379/3"
                    .into(),
                source: source.into(),
            })?;
        let settings = info.redis_settings();
        Ok(Self {
            address: info.addr().clone(),
            user: settings.username().map(str::to_owned),
            password: settings.password().map(str::to_owned),
            databases: vec![settings.db().try_into().unwrap_or(u32::MAX)],
            ..Self::new()
        })
    }

    /// The name or address of the server's machine, or the path of its socket, which begins with a slash.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        let host = host.into();
        self.address = match self.address {
            _ if host.starts_with('/') => ConnectionAddr::Unix(host.into()),
            ConnectionAddr::TcpTls {
                port,
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure,
                tls_params,
            },
            ConnectionAddr::Tcp(_, port) => ConnectionAddr::Tcp(host, port),
            _ => ConnectionAddr::Tcp(host, 6379),
        };
        self
    }

    /// The server's port. A socket has none.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        match &mut self.address {
            ConnectionAddr::Tcp(_, there) | ConnectionAddr::TcpTls { port: there, .. } => {
                *there = port;
            }
            _ => {}
        }
        self
    }

    /// The user of the server's access control list.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The password.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The number of the one database that takes part.
    #[must_use]
    pub fn database(self, number: u32) -> Self {
        self.databases([number])
    }

    /// The numbers of the databases that take part. [`RedisAdapter::get`] and its like use the lowest.
    #[must_use]
    pub fn databases(mut self, numbers: impl IntoIterator<Item = u32>) -> Self {
        self.databases = numbers.into_iter().collect();
        self.databases.sort_unstable();
        self.databases.dedup();
        self
    }

    /// How the databases go back.
    #[must_use]
    pub fn mode(mut self, mode: RedisMode) -> Self {
        self.mode = mode;
        self
    }

    /// Keys that are neither followed, nor restored, nor part of a state. `*` stands for any characters, `?` for one.
    ///
    /// A prefix of keys is in Redis what a table is elsewhere: this is how one is ignored.
    #[must_use]
    pub fn ignore_keys(mut self, pattern: impl Into<String>) -> Self {
        self.ignored.keys.push(pattern.into());
        self
    }

    /// A field of hashes that is followed and restored, but not part of a state: `.ignore_field("order:*", "updated_at")`.
    #[must_use]
    pub fn ignore_field(mut self, keys: impl Into<String>, field: impl Into<String>) -> Self {
        self.ignored.fields.push((keys.into(), field.into()));
        self
    }

    /// A column that is followed and restored, but not part of a state: `db3.expires`.
    #[must_use]
    pub fn ignore_column(mut self, column: impl Into<String>) -> Self {
        self.ignored_columns.push(column.into());
        self
    }

    /// How long to wait for the server to answer and for the application to stop writing, before a checkpoint and before a
    /// rollback. 5 seconds by default.
    #[must_use]
    pub fn settle(mut self, limit: Duration) -> Self {
        self.settle = limit;
        self
    }

    /// How long to wait for another run that holds one of the databases. 600 seconds by default.
    #[must_use]
    pub fn lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = limit;
        self
    }

    /// Is told whom a run waits for, in place of what [`on_wait`](crate::on_wait) was given.
    #[must_use]
    pub fn on_wait(mut self, told: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(Arc::new(told));
        self
    }

    /// Allows a server that is not on this machine.
    #[must_use]
    pub fn allow_remote(mut self) -> Self {
        self.remote_allowed = true;
        self
    }

    /// The folder for the locks of runs and for what leads back from a crash, in place of `$XDG_STATE_HOME/venomqa` or
    /// `~/.local/state/venomqa`. All runs on one database must share it.
    #[must_use]
    pub fn state_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state_folder = Some(folder.into());
        self
    }

    /// Takes hold of the databases, and restores them if a run before this one crashed.
    ///
    /// # Errors
    ///
    /// As for [`RedisAdapter::connect`].
    pub async fn connect(self) -> Result<RedisAdapter> {
        RedisAdapter::connect_with(self).await
    }

    /// Restores the databases if a run crashed, removes what it left, and starts none.
    ///
    /// # Errors
    ///
    /// As for [`RedisAdapter::connect`].
    pub async fn cleanup(self) -> Result<()> {
        RedisAdapter::cleanup_with(self).await
    }

    /// The host, as the safety checks know it.
    pub(super) fn host_name(&self) -> String {
        match &self.address {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
            ConnectionAddr::Unix(path) => path.display().to_string(),
            other => other.to_string(),
        }
    }

    /// The port, unless it is a socket.
    pub(super) fn port_number(&self) -> Option<u16> {
        match &self.address {
            ConnectionAddr::Tcp(_, port) | ConnectionAddr::TcpTls { port, .. } => Some(*port),
            _ => None,
        }
    }

    /// The user, as the server knows it.
    pub(super) fn user_name(&self) -> &str {
        self.user.as_deref().unwrap_or("default")
    }

    /// As messages name what this leads to: `Redis 127.0.0.1:6379, database 3`.
    pub(super) fn system(&self) -> String {
        let numbers: Vec<_> = self.databases.iter().map(u32::to_string).collect();
        let databases = if numbers.len() == 1 {
            "database"
        } else {
            "databases"
        };
        format!("Redis {}, {databases} {}", self.address, numbers.join(", "))
    }

    /// How a person reaches the server.
    pub(super) fn command_line(&self) -> String {
        match self.port_number() {
            Some(port) => format!("redis-cli -h {} -p {port}", self.host_name()),
            None => format!("redis-cli -s {}", self.host_name()),
        }
    }

    /// What the driver needs to connect to one of the databases.
    pub(super) fn target(&self, database: u32, protocol: redis::ProtocolVersion) -> ConnectionInfo {
        let mut settings = RedisConnectionInfo::default()
            .set_db(database.into())
            .set_protocol(protocol)
            .set_skip_set_lib_name();
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        let info = self.address.clone().into_connection_info();
        let info = info.expect("an address is one already");
        info.set_redis_settings(settings)
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("address", &self.address.to_string())
            .field("user", &self.user)
            .field("databases", &self.databases)
            .field("mode", &self.mode)
            .field("ignored", &self.ignored)
            .field("ignored_columns", &self.ignored_columns)
            .field("settle", &self.settle)
            .field("lock_wait", &self.lock_wait)
            .field("remote_allowed", &self.remote_allowed)
            .field("state_folder", &self.state_folder)
            .finish_non_exhaustive()
    }
}

impl Ignored {
    /// Whether a key is not followed.
    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        self.keys.iter().any(|pattern| matches(pattern, key))
    }

    /// Whether a field of a hash is not told.
    pub(super) fn has_field(&self, key: &[u8], field: &[u8]) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|(pattern, name)| name.as_bytes() == field && matches(pattern, key))
    }
}

/// Whether a pattern with `*` and `?` describes a key.
fn matches(pattern: &str, key: &[u8]) -> bool {
    let pattern = pattern.as_bytes();
    let (mut at, mut here) = (0, 0);
    // Where to go on if the last star has to take in one character more.
    let mut star = None;
    while here < key.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, here));
                at += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == key[here] => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((after, taken)) = star else {
                    return false;
                };
                star = Some((after, taken + 1));
                (at, here) = (after, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|&rest| rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_describes_the_whole_key() {
        let check = |pattern: &str, key: &[u8], expected: bool| {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key:?}");
        };
        check("metrics:*", b"metrics:", true);
        check("metrics:*", b"metrics:a:b", true);
        check("metrics:*", b"my-metrics:a", false);
        check("*:a:*:b", b"x:a:a:c:b", true);
        check("*:a:*:b", b"x:a:a:c:bb", false);
        check("k?", b"k\xff", true);
        check("k?", b"k", false);
        check("", b"", true);
        check("", b"k", false);
        check("[k]", b"k", false);
    }

    #[test]
    fn a_password_is_not_shown() {
        let options = RedisOptions::from_url("redis://tester:s3cret@127.0.0.1:7000/3");
        let options = options.expect("a URL");
        let shown = format!("{options:?} {}", options.system());
        assert!(
            shown.contains("tester") && !shown.contains("s3cret"),
            "{shown}"
        );
        assert_eq!(options.system(), "Redis 127.0.0.1:7000, database 3");
        let several = options.databases([5, 3, 5]).system();
        assert_eq!(several, "Redis 127.0.0.1:7000, databases 3, 5");
        let refused = RedisOptions::from_url("redis://:s3cret@/x/y").unwrap_err();
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
    }

    #[test]
    fn a_host_may_be_a_socket() {
        let options = RedisOptions::new().port(7000).host("/run/redis.sock");
        assert_eq!(options.system(), "Redis /run/redis.sock, database 0");
        assert_eq!(options.port_number(), None);
        assert_eq!(
            RedisOptions::new().host("localhost").port(7000).system(),
            "Redis localhost:7000, database 0"
        );
    }
}
