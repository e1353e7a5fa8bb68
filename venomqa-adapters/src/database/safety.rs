use crate::{Error, Result};

/// Refuses a name that says that people depend on what is behind it. `what` says whose name it is (`the database's name`).
pub(crate) fn refuse_production(system: &str, what: &str, name: &str) -> Result<()> {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let suspicious = words
        .map(str::to_lowercase)
        .find(|word| matches!(word.as_str(), "prod" | "production" | "prd" | "live"));
    match suspicious {
        None => Ok(()),
        Some(word) => Err(Error::Refused {
            system: system.into(),
            why: format!("`{word}` in {what} looks like production"),
            remedy: "explore a copy of it under another name".into(),
        }),
    }
}

/// Refuses a server on another machine, unless the user said that it may be.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
pub(crate) fn refuse_remote(system: &str, host: &str, allowed: bool) -> Result<()> {
    if allowed || is_this_machine(host) {
        return Ok(());
    }
    Err(Error::Refused {
        system: system.into(),
        why: format!("{host} is not this machine"),
        remedy:
            "run the tests against a server here, or call `allow_remote()` if this one is for tests"
                .into(),
    })
}

/// Whether an address is a socket's path, a loopback address, or the name of one. A name is not looked up: what it resolves to may
/// change.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
pub(crate) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    let loopback = |address: std::net::IpAddr| address.to_canonical().is_loopback();
    host.starts_with('/')
        || name == "localhost"
        || name.ends_with(".localhost")
        || bare.parse().is_ok_and(loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_look_like_production() {
        let check = |name: &str, refused: bool| {
            let answer = refuse_production("PostgreSQL", "the database's name", name);
            assert_eq!(answer.is_err(), refused, "{name}");
        };
        check("orders-prod", true);
        check("Production", true);
        check("live_orders", true);
        check("products", false);
        check("delivery", false);
    }

    #[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
    #[test]
    fn only_this_machine_is_taken_unasked() {
        let check = |host: &str, refused: bool| {
            let answer = refuse_remote("PostgreSQL", host, false);
            assert_eq!(answer.is_err(), refused, "{host}");
            refuse_remote("PostgreSQL", host, true).expect("allowed");
        };
        for host in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
        ] {
            check(host, false);
        }
        check("/var/run/postgresql", false);
        for host in [
            "db.example.com",
            "10.0.0.1",
            "0.0.0.0",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "",
        ] {
            check(host, true);
        }
    }
}
