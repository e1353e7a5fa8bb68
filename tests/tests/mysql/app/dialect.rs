//! The two servers differ in what they have of their own.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

/// Which of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    MariaDb,
    MySql,
}

/// What MariaDB has and MySQL calls otherwise, or has not and something like it.
const IN_MYSQL: [(&str, &str); 6] = [
    (" COMPRESSED", ""),
    ("PERSISTENT", "STORED"),
    ("u UUID, six INET6", "u CHAR(36), six VARCHAR(40)"),
    (
        "SELECT seq, seq, seq FROM seq_1_to_300",
        "WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 300) SELECT seq, seq, seq FROM n",
    ),
    ("SHOW MASTER STATUS", "SHOW BINARY LOG STATUS"),
    ("RESET MASTER", "RESET BINARY LOGS AND GTIDS"),
];

impl Dialect {
    pub(crate) async fn of(conn: &mut Conn) -> Self {
        let version: Option<String> = conn.query_first("SELECT version()").await.expect("it says");
        match version.is_some_and(|version| version.contains("MariaDB")) {
            true => Self::MariaDb,
            false => Self::MySql,
        }
    }

    /// A statement for MariaDB, in the words of this server.
    pub(crate) fn sql(self, statement: &str) -> String {
        let mut sql = statement.to_owned();
        if self == Self::MySql {
            for (mariadb, mysql) in IN_MYSQL {
                sql = sql.replace(mariadb, mysql);
            }
        }
        sql
    }

    /// Has the server tell the counters as they are, and not as they were when it was asked last.
    pub(crate) fn fresh(self) -> &'static str {
        match self {
            Self::MariaDb => "DO 0",
            Self::MySql => "SET information_schema_stats_expiry = 0",
        }
    }
}
