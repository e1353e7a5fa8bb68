use mysql_async::Opts;

use super::link::Link;
use super::options::{MySqlMode, MySqlOptions};
use super::schema::Plan;
use super::stop::Stop;
use crate::database::safety::{refuse_production, refuse_production_host, refuse_remote};
use crate::{Error, Result};

/// Refuses a database that does not look like one for tests on this machine.
pub(super) fn refuse(system: &str, opts: &Opts, options: &MySqlOptions) -> Result<()> {
    let database = opts.db_name().unwrap_or_default();
    let refused = |why: &str, remedy: &str| {
        Err(Error::Refused {
            system: system.into(),
            why: why.into(),
            remedy: remedy.into(),
        })
    };
    if database.is_empty() {
        return refused(
            "no database is named",
            "name one, as in `mysql://user:password@localhost:3306/database`",
        );
    }
    let theirs = ["mysql", "sys", "performance_schema", "information_schema"];
    if theirs.contains(&database.to_lowercase().as_str()) {
        return refused(
            "this database is the server's own",
            "name the application's",
        );
    }
    #[cfg(not(feature = "tls"))]
    if opts.ssl_opts().is_some() {
        return refused(
            "its URL asks for encrypted connections, which are not built in",
            "enable the feature `tls`",
        );
    }
    let host = opts.socket().unwrap_or(opts.ip_or_hostname());
    refuse_remote(system, host, options.remote)?;
    refuse_production_host(system, host)?;
    refuse_production(system, "the database's name", database)
}

/// How a database will be followed.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// Never [`MySqlMode::Auto`].
    pub(super) mode: MySqlMode,
    /// The name of the mechanism, with the reason where it was not the first choice.
    pub(super) mechanism: String,
}

/// Chooses how to follow a database, or says why it cannot be followed.
pub(super) async fn choose(
    link: &mut Link,
    system: &str,
    mode: MySqlMode,
    plan: &Plan,
) -> Result<Choice, Stop> {
    expect_followable(link, system, plan).await?;
    let chosen = |mode, mechanism: &str| {
        let mechanism = mechanism.to_owned();
        Choice { mode, mechanism }
    };
    Ok(match mode {
        MySqlMode::Copy => chosen(mode, "full copies, as asked"),
        MySqlMode::Savepoint => chosen(
            mode,
            "savepoints on one connection that the application shares",
        ),
        MySqlMode::Auto | MySqlMode::Binlog => match (mode, why_no_log(link).await?) {
            (_, None) => chosen(MySqlMode::Binlog, "binary log"),
            (MySqlMode::Auto, Some(why)) => {
                chosen(MySqlMode::Copy, &format!("full copies, because {why}"))
            }
            (_, Some(why)) => {
                return Err(Stop::Failed(Error::Refused {
                    system: system.into(),
                    why,
                    remedy: "start the server with `--log-bin --binlog-format=ROW --binlog-row-image=FULL`, grant \
                             what is missing, or use `MySqlMode::Auto`, which takes full copies then"
                        .into(),
                }));
            }
        },
    })
}

/// What keeps the binary log from telling every row, if anything does.
async fn why_no_log(link: &mut Link) -> Result<Option<String>, Stop> {
    let partial = match link.server.is_mariadb {
        true => "''",
        false => "@@global.binlog_row_value_options",
    };
    let sql =
        format!("SELECT @@log_bin, @@global.binlog_format, @@global.binlog_row_image, {partial}");
    let row: Option<(u8, String, String, String)> = link.first(&sql).await?;
    let (on, format, image, partial) = row.unwrap_or_default();
    let why = match (on, &*format, &*image, &*partial) {
        (0, ..) => "the server writes no binary log (`--log-bin`)".into(),
        (_, format, ..) if format != "ROW" => {
            format!("the server's `binlog_format` is {format}, not ROW")
        }
        (_, _, image, _) if image != "FULL" => {
            format!("the server's `binlog_row_image` is {image}, not FULL")
        }
        (.., partial) if !partial.is_empty() => {
            format!("the server's `binlog_row_value_options` is {partial}, not empty")
        }
        _ => return why_not_readable(link).await,
    };
    Ok(Some(why))
}

async fn why_not_readable(link: &mut Link) -> Result<Option<String>, Stop> {
    if link.server.is_mariadb && link.first::<u8>("SELECT @@log_bin_compress").await? == Some(1) {
        return Ok(Some(
            "the server compresses its binary log (`log_bin_compress`)".into(),
        ));
    }
    let status = link.server.log_status();
    match link.first::<mysql_async::Row>(status).await {
        Ok(row) => {
            let filter = |at: usize| row.as_ref()?.get::<String, _>(at);
            let filters = [("binlog-do-db", filter(2)), ("binlog-ignore-db", filter(3))];
            let filters = filters
                .into_iter()
                .filter_map(|(name, set)| Some((name, set?)));
            if let Some((name, set)) = filters.into_iter().find(|(_, set)| !set.is_empty()) {
                return Ok(Some(format!(
                    "the server leaves databases out of its binary log (`--{name}={set}`)"
                )));
            }
        }
        Err(stop) if stop.is_denied() => {
            let right = if link.server.is_mariadb {
                "BINLOG MONITOR"
            } else {
                "REPLICATION CLIENT"
            };
            return Ok(Some(format!("this account lacks the right {right}")));
        }
        Err(stop) => return Err(stop),
    }
    let grants: Vec<String> = link.rows("SHOW GRANTS").await?;
    let global = grants.iter().filter(|grant| grant.contains(" ON *.* TO "));
    let may = global.clone().any(|grant| {
        let rights = grant.split(" ON ").next().unwrap_or_default();
        rights.contains("REPLICATION SLAVE")
            || rights.contains("ALL PRIVILEGES")
            || rights.contains("SUPER")
    });
    // Rights may come by a role, of which the grants of a user say only the name.
    let by_role = grants.iter().any(|grant| !grant.contains(" ON "));
    Ok((!may && !by_role).then(|| "this account lacks the right REPLICATION SLAVE".into()))
}

async fn expect_followable(link: &mut Link, system: &str, plan: &Plan) -> Result<(), Stop> {
    let refused = |why: String, remedy: &str| {
        Err(Stop::Failed(Error::Refused {
            system: system.into(),
            why,
            remedy: remedy.into(),
        }))
    };
    if let Some(column) = plan.unknown_columns.first() {
        return refused(
            format!("the column `{column}` is to be ignored, but there is none"),
            "name it as `table.column`, as reports do",
        );
    }
    if let Some(table) = plan.unknown_tables.first() {
        return refused(
            format!("the table `{table}` is to be ignored, but there is none"),
            "name it as reports do",
        );
    }
    if !plan.unfollowable.is_empty() {
        return refused(
            plan.unfollowable.join("; "),
            "convert the table (`ALTER TABLE ... ENGINE = InnoDB`, `ADD PRIMARY KEY`), or leave it out with `ignore_table`",
        );
    }
    if link.server.is_mariadb {
        let fires: Option<String> = link
            .first("SELECT @@global.slave_run_triggers_for_rbr")
            .await?;
        if fires.as_deref().is_some_and(|fires| fires != "NO") {
            return refused(
                "its triggers would fire when rows are put back".into(),
                "`SET GLOBAL slave_run_triggers_for_rbr = NO`",
            );
        }
    }
    Ok(())
}

#[cfg(all(test, not(feature = "tls")))]
mod tests {
    use super::*;

    #[test]
    fn encryption_that_is_not_built_in_is_refused_and_not_forgotten() {
        let options = MySqlOptions::from_url("mysql://root@localhost/shop?require_ssl=true");
        let options = options.expect("a URL");
        let opts = Opts::from(options.server.clone());
        let refused = refuse("MySQL", &opts, &options).expect_err("nothing encrypts");
        assert!(refused.to_string().contains("feature `tls`"), "{refused}");
    }
}
