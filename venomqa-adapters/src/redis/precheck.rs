use std::collections::HashMap;

use redis::pipe;

use super::link::{Link, error_in};
use super::options::{RedisMode, RedisOptions};
use super::stop::Stop;
use crate::database::safety;
use crate::{Error, Result};

/// What was found out about a server before a run.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// Its name and version (`Redis 7.0.15`).
    pub(super) version: String,
    /// What it called itself when it started.
    pub(super) run: String,
    pub(super) mechanism: Mechanism,
    /// What speaks for this mechanism, where it is not the usual one.
    pub(super) because: Option<String>,
    /// What the server's settings keep us from undoing, one sentence each.
    pub(super) gaps: Vec<String>,
}

/// How the databases go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Tracking,
    Dump,
}

/// A key that nobody has. What is asked about it is never executed.
const NO_KEY: &str = "venomqa:is-this-allowed";

/// The commands that we use, with arguments, and as access control lists name them.
const NEEDED: &[(&[&str], &str)] = &[
    (&["INFO"], "info"),
    (&["TIME"], "time"),
    (&["SELECT", "0"], "select"),
    (&["SCAN", "0"], "scan"),
    (&["TYPE", NO_KEY], "type"),
    (&["DUMP", NO_KEY], "dump"),
    (&["PTTL", NO_KEY], "pttl"),
    (&["GET", NO_KEY], "get"),
    (&["HGETALL", NO_KEY], "hgetall"),
    (&["LRANGE", NO_KEY, "0", "-1"], "lrange"),
    (&["SMEMBERS", NO_KEY], "smembers"),
    (&["ZRANGE", NO_KEY, "0", "-1"], "zrange"),
    (&["XINFO", "STREAM", NO_KEY], "xinfo|stream"),
    (&["RESTORE", NO_KEY, "0", ""], "restore"),
    (&["DEL", NO_KEY], "del"),
    (&["PEXPIREAT", NO_KEY, "1"], "pexpireat"),
];

const NEEDED_TO_TRACK: &[(&[&str], &str)] = &[
    (
        &["CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP"],
        "client|tracking",
    ),
    (&["PEXPIRETIME", NO_KEY], "pexpiretime"),
];

/// Refuses a server that is not for tests, before it is connected to.
pub(super) fn refuse_unsafe(options: &RedisOptions) -> Result<()> {
    let (system, host) = (options.system(), options.host_name());
    safety::refuse_remote(&system, &host, options.remote_allowed)?;
    safety::refuse_production_host(&system, &host)?;
    if options.databases.is_empty() {
        return Err(Error::Refused {
            system,
            why: "no database of it takes part".into(),
            remedy: "name one with `RedisOptions::database`".into(),
        });
    }
    Ok(())
}

/// Finds out what a server is and what its user may do, and chooses the mechanism.
pub(super) async fn inspect(link: &mut Link, options: &RedisOptions) -> Result<Server, Stop> {
    let refused = |why: String, remedy: String| {
        Stop::Failed(Error::Refused {
            system: options.system(),
            why,
            remedy,
        })
    };
    let user = options.user_name();
    let (denied, unknown) = denied(link, NEEDED).await?;
    if !unknown.is_empty() {
        return Err(refused(
            format!("it does not know {}", list(&unknown)),
            "take `rename-command` for them out of its configuration".into(),
        ));
    }
    if !denied.is_empty() {
        return Err(refused(
            format!("its user `{user}` may not run {}", list(&denied)),
            format!("as a user who may: {}", grant(user, &denied)),
        ));
    }
    let facts = facts(link).await?;
    let fact = |name: &str| facts.get(name).map_or("", String::as_str);
    let version = match fact("valkey_version") {
        "" => format!("Redis {}", fact("redis_version")),
        version => format!("Valkey {version}"),
    };
    if fact("role") != "master" && !fact("role").is_empty() {
        return Err(refused(
            "it is a replica, which takes no writes".into(),
            "use the server that it copies".into(),
        ));
    }
    if fact("cluster_enabled") == "1" {
        return Err(refused(
            "it is a node of a cluster, of which one sees only a part".into(),
            "run the tests against a server without a cluster".into(),
        ));
    }
    expect_databases(link, options).await?;
    let (mechanism, because) = match options.mode {
        RedisMode::Dump => (Mechanism::Dump, Some("as asked".into())),
        mode => match (no_tracking(link, &version, user).await?, mode) {
            (None, _) => (Mechanism::Tracking, None),
            (Some(why), RedisMode::Tracking) => {
                return Err(refused(
                    format!("tracking is not possible: {why}"),
                    "do that, or use `RedisMode::Dump`".into(),
                ));
            }
            (Some(why), _) => (Mechanism::Dump, Some(format!("because {why}"))),
        },
    };
    let mut gaps = Vec::new();
    let policy = fact("maxmemory_policy");
    if policy != "noeviction" && !policy.is_empty() {
        gaps.push(format!(
            "What the server evicts (`maxmemory-policy {policy}`) counts as changed, and how recently or often a key was used \
             is not restored."
        ));
    }
    let number = fact("redis_version")
        .split('.')
        .map(|part| part.parse().unwrap_or(0_u32));
    if number.take(2).collect::<Vec<_>>() >= vec![7, 4] && version.starts_with("Redis") {
        gaps.push("Fields of hashes that expire by themselves do so by the clock, also where the hash is put back.".into());
    }
    Ok(Server {
        version,
        run: fact("run_id").into(),
        mechanism,
        because,
        gaps,
    })
}

/// The facts that `INFO` tells, by name.
pub(super) async fn facts(link: &mut Link) -> Result<HashMap<String, String>, Stop> {
    let mut commands = pipe();
    commands.cmd("INFO");
    let mut answers = link.ask(&commands).await?.into_iter();
    let info: String = super::found::next(&mut answers)?;
    let facts = info.lines().filter_map(|line| line.split_once(':'));
    Ok(facts
        .map(|(name, value)| (name.into(), value.into()))
        .collect())
}

/// The clients that wait for a key of one of these databases, for a person: `BLPOP in database 3 (worker, 127.0.0.1:4711)`.
pub(super) async fn waiting_clients(
    link: &mut Link,
    databases: &[u32],
) -> Result<Vec<String>, Stop> {
    let mut commands = pipe();
    commands.cmd("CLIENT").arg("LIST");
    let answers = link.ask_all(&commands).await?;
    let list: String = answers
        .into_iter()
        .next()
        .and_then(|answer| redis::from_redis_value(answer).ok())
        // Where the user may not look, we do not know.
        .unwrap_or_default();
    let waiting = list.lines().filter_map(|line| {
        let fields: HashMap<_, _> = line
            .split(' ')
            .filter_map(|field| field.split_once('='))
            .collect();
        let field = |name: &str| fields.get(name).copied().unwrap_or_default();
        let ours = field("db").parse().is_ok_and(|db| databases.contains(&db));
        if !ours || !field("flags").contains('b') {
            return None;
        }
        let who = [field("name"), field("addr")];
        let who: Vec<_> = who.into_iter().filter(|part| !part.is_empty()).collect();
        Some(format!(
            "{} in database {} ({})",
            field("cmd").to_uppercase(),
            field("db"),
            who.join(", ")
        ))
    });
    Ok(waiting.collect())
}

/// Why keys that change cannot be tracked, if they cannot.
async fn no_tracking(link: &mut Link, version: &str, user: &str) -> Result<Option<String>, Stop> {
    let queued = queue(link, NEEDED_TO_TRACK).await?;
    if queued.iter().any(|(_, code)| code == "ERR") {
        return Ok(Some(format!("{version} is older than Redis 7")));
    }
    let denied: Vec<_> = queued.into_iter().map(|(name, _)| name).collect();
    Ok((!denied.is_empty()).then(|| {
        format!(
            "the user `{user}` may not run {} ({})",
            list(&denied),
            grant(user, &denied)
        )
    }))
}

/// The commands of some that the user may not run, and those that the server does not know.
async fn denied(
    link: &mut Link,
    commands: &[(&[&str], &'static str)],
) -> Result<(Vec<&'static str>, Vec<&'static str>), Stop> {
    let mut multi = pipe();
    multi.cmd("MULTI").cmd("DISCARD");
    let answers = link.ask_all(&multi).await?;
    match answers.iter().find_map(error_in) {
        // Without a transaction nothing else can be asked.
        Some(error) if error.code() == "NOPERM" => {
            let all = commands.iter().map(|(_, name)| *name);
            let transaction = ["multi", "exec", "discard"];
            return Ok((transaction.into_iter().chain(all).collect(), Vec::new()));
        }
        Some(error) => return Err(Stop::of(error)),
        None => {}
    }
    let mut names = (Vec::new(), Vec::new());
    for (name, code) in queue(link, commands).await? {
        match code.as_str() {
            "ERR" => names.1.push(name),
            _ => names.0.push(name),
        }
    }
    Ok(names)
}

/// Queues commands in a transaction that is discarded: the server says which of them it would not run, and runs none.
async fn queue(
    link: &mut Link,
    commands: &[(&[&str], &'static str)],
) -> Result<Vec<(&'static str, String)>, Stop> {
    let mut batch = pipe();
    batch.cmd("MULTI");
    for (command, _) in commands {
        batch.cmd(command[0]).arg(&command[1..]);
    }
    batch.cmd("DISCARD");
    let answers = link.ask_all(&batch).await?;
    let mut refused = Vec::new();
    for (answer, (_, name)) in answers.iter().skip(1).zip(commands) {
        let Some(error) = error_in(answer) else {
            continue;
        };
        match error.code() {
            code @ ("NOPERM" | "ERR") => refused.push((*name, code.to_owned())),
            // The role says more. And where the memory is full a transaction takes nothing, whatever the user may do.
            "READONLY" | "CLUSTERDOWN" | "MOVED" | "OOM" => {}
            _ => return Err(Stop::of(error)),
        }
    }
    Ok(refused)
}

async fn expect_databases(link: &mut Link, options: &RedisOptions) -> Result<(), Stop> {
    let mut commands = pipe();
    for database in &options.databases {
        commands.cmd("SELECT").arg(database);
    }
    let answers = link.ask_all(&commands).await?;
    for (answer, database) in answers.iter().zip(&options.databases) {
        if let Some(error) = error_in(answer) {
            return Err(Stop::Failed(Error::Refused {
                system: options.system(),
                why: format!("it has no database {database} ({error})"),
                remedy: "use a lower number, or raise `databases` in the server's configuration"
                    .into(),
            }));
        }
    }
    Ok(())
}

/// `CLIENT TRACKING and DUMP`.
fn list(names: &[&str]) -> String {
    let names: Vec<_> = names
        .iter()
        .map(|name| name.to_uppercase().replace('|', " "))
        .collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn grant(user: &str, names: &[&str]) -> String {
    let rights: String = names.iter().map(|name| format!(" +{name}")).collect();
    format!("ACL SETUSER {user} ~*{rights}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_for_tests_is_taken() {
        let check = |options: RedisOptions, expected: &str| {
            let refused = refuse_unsafe(&options).expect_err(expected).to_string();
            assert!(refused.contains(expected), "{refused}");
        };
        check(
            RedisOptions::new().host("cache.example.com"),
            "not this machine",
        );
        check(
            RedisOptions::new().host("prod-cache").allow_remote(),
            "looks like production",
        );
        check(
            RedisOptions::new().databases([]),
            "no database of it takes part",
        );
        refuse_unsafe(&RedisOptions::new().host("cache.example.com").allow_remote())
            .expect("allowed");
        refuse_unsafe(&RedisOptions::new().host("/run/redis.sock")).expect("a socket");
    }
}
