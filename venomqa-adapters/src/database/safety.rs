use crate::{Error, Result};

/// Refuses a name that says that people depend on what is behind it. `what` says whose name it is (`the database's name`).
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub(crate) fn refuse_production(system: &str, what: &str, name: &str) -> Result<()> {
    refuse(system, what, name, "under another name")
}

/// Refuses a server whose name says so: what is on it is often called the same everywhere. Of the path of a socket only the file
/// counts.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
pub(crate) fn refuse_production_host(system: &str, host: &str) -> Result<()> {
    let name = host.rsplit('/').next().unwrap_or(host);
    let what = format!("the host's name {host}");
    refuse(system, &what, name, "on another server")
}

fn refuse(system: &str, what: &str, name: &str, elsewhere: &str) -> Result<()> {
    let telling = ["prod", "production", "prd", "live"];
    let suspicious = words(name).find(|word| telling.contains(&word.as_str()));
    match suspicious {
        None => Ok(()),
        Some(word) => Err(Error::Refused {
            system: system.into(),
            why: format!("`{word}` in {what} looks like production"),
            remedy: format!("explore a copy of it {elsewhere}"),
        }),
    }
}

/// The words of a name in lower case, without numbers: `shopProd2` has two.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::new();
    let mut last = ' ';
    for letter in name.chars() {
        if last.is_lowercase() && letter.is_uppercase() {
            spaced.push(' ');
        }
        spaced.push(letter);
        last = letter;
    }
    let words = spaced.split(|letter: char| !letter.is_alphabetic());
    words.map(str::to_lowercase).collect::<Vec<_>>().into_iter()
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
        check("prod1", true);
        check("orders_prod2", true);
        check("production01", true);
        check("shopProd", true);
        check("products", false);
        check("products2", false);
        check("delivery", false);
        check("shopProducts", false);
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_host_is_judged_by_its_name_and_a_socket_by_its_file() {
        let check = |host: &str, refused: bool| {
            let answer = refuse_production_host("PostgreSQL", host);
            assert_eq!(answer.is_err(), refused, "{host}");
        };
        check("db-prod.example.com", true);
        check("live2.example.com", true);
        check("/run/redis-prod.sock", true);
        check("/srv/live/redis.sock", false);
        check("/srv/live/", false);
        check("127.0.0.1", false);
        check("liverpool.example.com", false);
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
