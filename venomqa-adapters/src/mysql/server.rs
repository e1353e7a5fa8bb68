/// Which of the two servers, and what is different about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// As it prints it: `10.11.6-MariaDB`.
    pub(super) version: String,
    pub(super) is_mariadb: bool,
    number: (u32, u32),
}

impl Server {
    pub(super) fn named(version: String) -> Self {
        let mut parts = version.split(|c: char| !c.is_ascii_digit());
        let mut part = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        let number = (part(), part());
        Self {
            is_mariadb: version.contains("MariaDB"),
            version,
            number,
        }
    }

    /// `MariaDB 10.11.6`.
    pub(super) fn name(&self) -> String {
        let (number, _) = self.version.split_once('-').unwrap_or((&self.version, ""));
        let kind = if self.is_mariadb { "MariaDB" } else { "MySQL" };
        format!("{kind} {number}")
    }

    /// What a session of ours is set to, of what needs no rights.
    pub(super) fn settings(&self) -> &'static str {
        match self.is_mariadb {
            true => {
                "SET NAMES utf8mb4, character_set_results = NULL, time_zone = '+00:00', \
                 sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', \
                 foreign_key_checks = 0, check_constraint_checks = 0, autocommit = 1, completion_type = 'NO_CHAIN', \
                 wait_timeout = 2147483, net_write_timeout = 3600, net_read_timeout = 3600, \
                 max_statement_time = 0, sql_select_limit = DEFAULT, innodb_lock_wait_timeout = 1, \
                 tx_isolation = 'REPEATABLE-READ', tx_read_only = 0, div_precision_increment = 4"
            }
            false => {
                "SET NAMES utf8mb4, character_set_results = NULL, time_zone = '+00:00', \
                 sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', \
                 foreign_key_checks = 0, autocommit = 1, completion_type = 'NO_CHAIN', \
                 wait_timeout = 2147483, net_write_timeout = 3600, net_read_timeout = 3600, \
                 max_execution_time = 0, sql_select_limit = DEFAULT, innodb_lock_wait_timeout = 1, \
                 transaction_isolation = 'REPEATABLE-READ', transaction_read_only = 0, information_schema_stats_expiry = 0"
            }
        }
    }

    /// Has the server give up soon what somebody is in the way of, because attempts are repeated by us.
    pub(super) fn impatience(&self) -> &'static str {
        match self.is_mariadb {
            true => "SET lock_wait_timeout = 0",
            // It takes no less.
            false => "SET lock_wait_timeout = 1",
        }
    }

    /// What tells how far the binary log is written.
    pub(super) fn log_status(&self) -> &'static str {
        match self.is_mariadb || self.number < (8, 2) {
            true => "SHOW MASTER STATUS",
            false => "SHOW BINARY LOG STATUS",
        }
    }

    /// What to grant for all databases. The last of them is for what others defined, which a change of the schema may make necessary.
    pub(super) fn global_rights(&self) -> String {
        if self.is_mariadb {
            return "REPLICATION SLAVE, BINLOG MONITOR, BINLOG ADMIN, BINLOG REPLAY, PROCESS, SET USER".into();
        }
        let definer = match self.number < (8, 2) {
            true => "SET_USER_ID",
            false => "SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER",
        };
        format!(
            "REPLICATION SLAVE, REPLICATION CLIENT, REPLICATION_APPLIER, BINLOG_ADMIN, SYSTEM_VARIABLES_ADMIN, PROCESS, SHOW_ROUTINE, SYSTEM_USER, {definer}"
        )
    }

    /// What to grant for reading the routines that others defined.
    pub(super) fn routine_rights(&self) -> &'static str {
        match self.is_mariadb {
            true => "SELECT ON mysql.proc",
            false => "SHOW_ROUTINE ON *.*",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_version() {
        let check = |version: &str, name: &str, status: &str| {
            let server = Server::named(version.into());
            assert_eq!((&*server.name(), server.log_status()), (name, status));
        };
        check(
            "10.11.6-MariaDB-0+deb12u1-log",
            "MariaDB 10.11.6",
            "SHOW MASTER STATUS",
        );
        check("8.0.36", "MySQL 8.0.36", "SHOW MASTER STATUS");
        check("8.4.0-commercial", "MySQL 8.4.0", "SHOW BINARY LOG STATUS");
        check("9.1.0", "MySQL 9.1.0", "SHOW BINARY LOG STATUS");
    }
}
