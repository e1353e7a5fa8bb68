use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, Opts, Row as SqlRow};

use super::server::Server;
use super::stop::Stop;

/// A connection of ours, set up so that nothing is rounded, converted, checked again or logged on the way.
#[derive(Debug)]
pub(super) struct Link {
    /// Taken for the time of a statement, so that it ends with a caller that gives up in the middle.
    conn: Option<Conn>,
    pub(super) server: Server,
    /// How many bytes the server takes at a time.
    pub(super) packet: usize,
}

impl Link {
    /// Connects without the settings that need rights.
    pub(super) async fn open(opts: &Opts) -> Result<Self, Stop> {
        let mut conn = Conn::new(opts.clone()).await?;
        let sql = "SELECT version(), @@max_allowed_packet";
        let (version, packet): (String, usize) = conn.query_first(sql).await?.unwrap_or_default();
        let server = Server::named(version);
        conn.query_drop(format!("{}; {}", server.settings(), server.impatience()))
            .await?;
        let conn = Some(conn);
        Ok(Self {
            conn,
            server,
            packet,
        })
    }

    /// Connects to the same server as the application does.
    pub(super) async fn plain(&self, opts: &Opts) -> Result<Self, Stop> {
        Ok(Self {
            conn: Some(Conn::new(opts.clone()).await?),
            server: self.server.clone(),
            packet: self.packet,
        })
    }

    /// The connection itself, if it is there.
    pub(super) fn conn(&mut self) -> Option<&mut Conn> {
        self.conn.as_mut()
    }

    pub(super) fn conn_ref(&self) -> Option<&Conn> {
        self.conn.as_ref()
    }

    /// Ends the connection, and with it whatever it was about to do.
    pub(super) fn hang_up(&mut self) -> Option<Conn> {
        self.conn.take()
    }

    /// Whether this connection is of no more use.
    pub(super) fn is_lost(&self) -> bool {
        self.conn.as_ref().is_none_or(Conn::is_disconnected)
    }

    fn take(&mut self) -> Result<Conn, Stop> {
        self.conn.take().ok_or_else(Stop::lost)
    }

    /// Runs statements, separated by semicolons, until one fails.
    pub(super) async fn run(
        &mut self,
        sql: &(impl AsRef<[u8]> + Sync + ?Sized),
    ) -> Result<(), Stop> {
        let mut conn = self.take()?;
        let outcome = conn.query_drop(sql.as_ref()).await;
        self.conn = Some(conn);
        Ok(outcome?)
    }

    /// The rows that a statement returns.
    pub(super) async fn rows<T: FromRow + Send + 'static>(
        &mut self,
        sql: &str,
    ) -> Result<Vec<T>, Stop> {
        let mut sets = self.sets(sql).await?;
        converted(sets.drain(..).next().unwrap_or_default())
    }

    /// The first row that a statement returns.
    pub(super) async fn first<T: FromRow + Send + 'static>(
        &mut self,
        sql: &str,
    ) -> Result<Option<T>, Stop> {
        Ok(self.rows(sql).await?.into_iter().next())
    }

    /// The rows that each of several statements returns, none for those that return nothing.
    pub(super) async fn sets(&mut self, sql: &str) -> Result<Vec<Vec<SqlRow>>, Stop> {
        let mut conn = self.take()?;
        let outcome = read_sets(&mut conn, sql).await;
        self.conn = Some(conn);
        Ok(outcome?)
    }

    /// Tells each row that a statement returns, with all values typed.
    pub(super) async fn each(
        &mut self,
        sql: &str,
        told: impl FnMut(&SqlRow) -> Result<(), Stop> + Send,
    ) -> Result<(), Stop> {
        let mut conn = self.take()?;
        let outcome = read_each(&mut conn, sql, told).await;
        self.conn = Some(conn);
        outcome
    }
}

async fn read_each(
    conn: &mut Conn,
    sql: &str,
    mut told: impl FnMut(&SqlRow) -> Result<(), Stop> + Send,
) -> Result<(), Stop> {
    let mut result = conn.exec_iter(sql, ()).await?;
    let mut outcome = Ok(());
    while let Some(row) = result.next().await? {
        outcome = outcome.and_then(|()| told(&row));
    }
    outcome
}

async fn read_sets(conn: &mut Conn, sql: &str) -> mysql_async::Result<Vec<Vec<SqlRow>>> {
    let mut result = conn.query_iter(sql).await?;
    let mut sets = Vec::new();
    loop {
        sets.push(result.collect().await?);
        if result.is_empty() {
            return Ok(sets);
        }
    }
}

/// Rows as Rust values.
pub(super) fn converted<T: FromRow>(rows: Vec<SqlRow>) -> Result<Vec<T>, Stop> {
    let rows = rows.into_iter().map(T::from_row_opt);
    let rows: Result<_, _> = rows.collect();
    rows.map_err(|error| Stop::Sql(mysql_async::Error::Other(error.into())))
}
