use mysql_async::Opts;

use super::link::Link;
use super::options::{MySqlMode, MySqlOptions};
use super::schema::Plan;
use super::stop::Stop;
use crate::database::safety::{refuse_production, refuse_remote};
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
    refuse_remote(
        system,
        opts.socket().unwrap_or(opts.ip_or_hostname()),
        options.remote,
    )?;
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
    let read = |row: Option<(u8, String, String)>| row.unwrap_or_default();
    let (on, format, image) = read(
        link.first("SELECT @@log_bin, @@global.binlog_format, @@global.binlog_row_image")
            .await?,
    );
    let why = match (on, &*format, &*image) {
        (0, ..) => "the server writes no binary log (`--log-bin`)".into(),
        (_, format, _) if format != "ROW" => {
            format!("the server's `binlog_format` is {format}, not ROW")
        }
        (.., image) if image != "FULL" => {
            format!("the server's `binlog_row_image` is {image}, not FULL")
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
    match link.rows::<mysql_async::Row>(status).await {
        Ok(_) => {}
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
    if let Some(column) = plan.unknown.first() {
        return refused(
            format!("the column `{column}` is to be ignored, but there is none"),
            "name it as `table.column`, as reports do",
        );
    }
    if !plan.unfollowable.is_empty() {
        return refused(
            plan.unfollowable.join("; "),
            "convert the table (`ALTER TABLE ... ENGINE = InnoDB`), or leave it out with `ignore_table`",
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
