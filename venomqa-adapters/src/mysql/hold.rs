use mysql_async::Opts;

use super::install::Side;
use super::link::Link;
use super::lock;
use super::options::MySqlOptions;
use super::precheck;
use super::replay;
use super::run::Stage;
use super::schema::{literal, quoted};
use super::stop::Stop;
use crate::{Error, Result};

/// The largest message that there can be.
const LARGEST: usize = 1 << 30;

/// What has the server take a trigger or function from an account that is not an administrator's.
pub(super) const TRUST: &str = "SET GLOBAL log_bin_trust_function_creators = 1";

/// The exclusive hold of a database: the connection that has the lock and does the work, so that no work is done without it.
#[derive(Debug)]
pub(super) struct Hold {
    /// The database, as a person would name it.
    pub(super) system: String,
    pub(super) database: String,
    pub(super) options: MySqlOptions,
    pub(super) opts: Opts,
    pub(super) link: Link,
    pub(super) side: Side,
}

impl Hold {
    /// Connects and waits for the lock.
    pub(super) async fn take(options: MySqlOptions) -> Result<Self> {
        // What the server takes is looked at where it is written to; what it sends may be larger.
        let server = options.server.clone().max_allowed_packet(Some(LARGEST));
        // The driver would go on over the socket that the server names, behind which on this machine another server may listen.
        let opts = Opts::from(server.prefer_socket(false));
        let database = opts.db_name().unwrap_or_default().to_owned();
        let place = match opts.socket() {
            Some(socket) => socket.to_owned(),
            None => format!("{}:{}", opts.ip_or_hostname(), opts.tcp_port()),
        };
        let named = |kind: &str| format!("{kind} database {database} at {place}");
        precheck::refuse(&named("MySQL"), &opts, &options)?;
        let link = Link::open(&opts).await;
        let mut link = link.map_err(|stop| stop.into_error(&named("MySQL"), "connect"))?;
        // A server may take a name in any case.
        let sql = format!(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name = {0} ORDER BY BINARY schema_name <> {0}",
            literal(&database)
        );
        let known = link.first(&sql).await;
        let known = known.map_err(|stop| stop.into_error(&named("MySQL"), "find it"))?;
        let system = named(&link.server.name());
        let database = known.unwrap_or(database);
        let mut hold = Self {
            system,
            side: Side::of(&database),
            database,
            options,
            opts,
            link,
        };
        let ready = match prepare(&mut hold.link).await {
            Ok(()) => lock::acquire(&mut hold.link, &hold.side, &hold.system, &hold.options).await,
            Err(stop) => Err(stop),
        };
        match ready {
            Ok(()) => Ok(hold),
            Err(stop) => Err(hold.error(stop, "take hold of it").await),
        }
    }

    /// Lets others explore the database.
    pub(super) async fn release(mut self) {
        if let Some(conn) = self.link.hang_up() {
            // The server lets go of the lock when the connection ends, however it ends.
            let _ = conn.disconnect().await;
        }
    }

    /// Removes what was installed, and lets go.
    pub(super) async fn remove_and_release(mut self) -> Result<()> {
        let removed = self.remove().await;
        let removed = match removed {
            Ok(()) => Ok(()),
            Err(stop) => Err(self.error(stop, "remove what was installed").await),
        };
        self.release().await;
        removed
    }

    /// Removes what was installed.
    pub(super) async fn remove(&mut self) -> Result<(), Stop> {
        self.be_patient().await?;
        self.side.drop(&mut self.link, &self.database).await
    }

    /// Removes what was installed for a run that did not begin.
    pub(super) async fn start_over(&mut self) -> Result<(), Stop> {
        self.remove().await?;
        self.be_impatient().await?;
        self.side.create(&mut self.link).await
    }

    /// Lets the server wait for those who just look at the schema, where an attempt cannot be repeated.
    pub(super) async fn be_patient(&mut self) -> Result<(), Stop> {
        let seconds = self.options.settle.as_secs().max(1);
        self.link
            .run(&format!("SET lock_wait_timeout = {seconds}"))
            .await
    }

    /// Leaves waiting to repeated attempts again.
    pub(super) async fn be_impatient(&mut self) -> Result<(), Stop> {
        let settings = self.link.server.impatience();
        self.link.run(settings).await
    }

    /// A connection as the application has them.
    pub(super) async fn plain(&mut self, opts: &Opts) -> Result<Link> {
        let link = self.link.plain(opts).await;
        match link {
            Ok(link) => Ok(link),
            Err(stop) => Err(self.error(stop, "connect").await),
        }
    }

    /// Connects anew after the connection was lost, and takes the lock back.
    pub(super) async fn take_again(&mut self) -> Result<(), Stop> {
        let mut link = Link::open(&self.opts).await?;
        prepare(&mut link).await?;
        // The server may not know yet that the old connection is gone; another run would not have let go so soon.
        if !lock::attempt(&mut link, &self.side).await? {
            return Err(Stop::Again);
        }
        // A crash of the server may have taken back what was not on the disk yet, and anybody may have removed the copy.
        if Stage::read(&mut link, &self.side, &self.database).await? != Stage::Running {
            return Err(Stop::Failed(Error::NotRestored {
                system: self.system.clone(),
                why: format!(
                    "the connection was lost, and {}, which held the contents from before the run, is not what it was",
                    self.side.database
                ),
                remedy: "make the database anew".into(),
            }));
        }
        self.link = link;
        Ok(())
    }

    /// Ends whatever an attempt left open.
    pub(super) async fn give_up_attempt(&mut self) {
        if !self.link.is_lost() {
            // It fails only where the connection does, which the next attempt finds out.
            let _ = self.link.run("ROLLBACK; UNLOCK TABLES").await;
        }
    }

    /// The error for the caller of an attempt that is given up.
    pub(super) async fn error(&mut self, stop: Stop, doing: &str) -> Error {
        if stop.is_denied() {
            return self.denied(stop).await;
        }
        if stop.is_locked() {
            self.give_up_attempt().await;
            let who = super::holder::holders(&mut self.link, &self.database).await;
            return Error::Busy {
                system: self.system.clone(),
                why: format!(
                    "{who} keeps a transaction open or a table locked, so it was impossible to {doing}"
                ),
                remedy: "end the transaction before the response is sent, or raise `settle`".into(),
            };
        }
        stop.into_error(&self.system, doing)
    }

    async fn denied(&mut self, stop: Stop) -> Error {
        let account = self.link.first::<String>("SELECT CURRENT_USER()").await;
        let account = account.ok().flatten().unwrap_or_default();
        let (user, host) = account.rsplit_once('@').unwrap_or((&account, "%"));
        let account = format!("{}@{}", literal(user), literal(host));
        // An underscore stands for any character there.
        let all = |database: &str| {
            let exact = database.replace('_', "\\_").replace('%', "\\%");
            // Names have at most 64 characters with the backslashes.
            let fits = exact.chars().count() <= 64;
            let database = quoted(if fits { &exact } else { database });
            format!("GRANT ALL ON {database}.* TO {account}")
        };
        let rights = self.link.server.global_rights();
        let trust = match stop.is_untrusted() {
            true => format!("{TRUST}; "),
            false => String::new(),
        };
        let why = match stop {
            Stop::Sql(mysql_async::Error::Server(error)) => error.message,
            other => format!("{other:?}"),
        };
        Error::Refused {
            system: self.system.clone(),
            why: format!("{account} lacks rights ({why})"),
            remedy: format!(
                "run as an administrator: {trust}GRANT {rights} ON *.* TO {account}; {}; {}",
                all(&self.database),
                all(&self.side.database)
            ),
        }
    }
}

/// Makes a connection write rows as a replica does, and keep that to itself.
async fn prepare(link: &mut Link) -> Result<(), Stop> {
    let format = replay::format(&link.server);
    match link.first::<u8>("SELECT @@log_bin").await? {
        Some(1) => link.run(&format!("SET sql_log_bin = 0; {format}")).await?,
        _ => link.run(&format).await?,
    }
    // Otherwise a MySQL waits for the number of the transaction, as a replica gets it, and may not take tables of ours.
    match link.server.is_mariadb {
        true => Ok(()),
        false => {
            let settings = "SET gtid_next = 'AUTOMATIC', sql_require_primary_key = 0";
            link.run(settings).await
        }
    }
}
