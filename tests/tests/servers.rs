//! The servers that other tests rely on come up, outlive a crash of their own, and leave nothing behind.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use venomqa_tests::servers::{BinaryLog, MariaDb, Postgres, Redis};

/// Set in a process that starts servers and is killed.
const STARTS: &str = "VENOMQA_TEST_STARTS_SERVERS";

/// Names a server that tests are to use.
const NAMED: &str = "VENOMQA_TEST_REDIS_URL";

fn port(url: &str) -> u16 {
    let after = url.rsplit(':').next().unwrap_or_default();
    let digits = after.split('/').next().unwrap_or_default();
    digits.parse().expect("a URL with a port")
}

fn answers(url: &str) -> bool {
    TcpStream::connect(("127.0.0.1", port(url))).is_ok()
}

#[test]
fn a_server_comes_back_after_a_crash_where_it_was() {
    let mut postgres = Postgres::own(&[]);
    let mut mariadb = MariaDb::own(BinaryLog::Off, &[]);
    let mut redis = Redis::own(&[]);
    let urls = [postgres.url("postgres"), mariadb.url("mysql"), redis.url(0)];
    postgres.restart("KILL");
    mariadb.restart("KILL");
    redis.restart("KILL");
    assert_eq!(
        urls,
        [postgres.url("postgres"), mariadb.url("mysql"), redis.url(0)]
    );
    assert!(urls.iter().all(|url| answers(url)), "{urls:?}");
    let folder = postgres.socket_folder().expect("it is ours");
    assert!(folder.exists());
    drop((postgres, mariadb, redis));
    assert!(!urls.iter().any(|url| answers(url)), "{urls:?}");
    assert!(!folder.exists());
}

#[test]
fn a_server_that_heeds_no_signal_ends_all_the_same() {
    let redis = Redis::own(&["--lua-time-limit", "20"]);
    let url = redis.url(0);
    // A script that has written cannot be stopped.
    let mut busy = TcpStream::connect(("127.0.0.1", port(&url))).expect("it answers");
    busy.write_all(b"EVAL \"redis.call('SET', 'a', 1) while true do end\" 0\r\n")
        .expect("sent");
    let refused = || {
        let mut other = TcpStream::connect(("127.0.0.1", port(&url))).expect("it answers");
        other.write_all(b"PING\r\n").expect("sent");
        let mut answer = [0; 5];
        other.read_exact(&mut answer).expect("an answer");
        &answer == b"-BUSY"
    };
    while !refused() {}
    drop(redis);
    assert!(!answers(&url));
}

#[test]
#[should_panic(expected = "no_such_setting")]
fn a_server_that_refuses_its_settings_says_why() {
    Postgres::own(&["no_such_setting=1"]);
}

/// Is no test by itself: it is what the next one runs.
#[test]
fn takes_the_redis_that_is_named() {
    if std::env::var_os(NAMED).is_some() {
        Redis::start();
    }
}

#[test]
fn a_redis_that_keeps_its_keys_on_disk_is_not_taken() {
    let take = |server: &Redis| {
        let mut taker = Command::new(std::env::current_exe().expect("this program"));
        taker.args(["--exact", "takes_the_redis_that_is_named", "--nocapture"]);
        taker.env(NAMED, server.server_url());
        taker.output().expect("this program again")
    };
    let kept = take(&Redis::own(&["--save", "60 1"]));
    assert!(!kept.status.success());
    let why = String::from_utf8_lossy(&kept.stderr);
    assert!(why.contains("keeps its keys on disk"), "{why}");
    assert!(take(&Redis::own(&[])).status.success());
}

/// Is no test by itself: it is the process that the next one kills.
#[test]
fn starts_servers_and_waits_to_be_killed() {
    if std::env::var_os(STARTS).is_none() {
        return;
    }
    let (postgres, mariadb, redis) = (
        Postgres::own(&[]),
        MariaDb::own(BinaryLog::FullRows, &[]),
        Redis::own(&[]),
    );
    let folder = postgres.socket_folder().expect("it is ours");
    let urls = [postgres.url("postgres"), mariadb.url("mysql"), redis.url(0)].join(" ");
    std::fs::write(
        std::env::var_os(STARTS).expect("set"),
        format!("{urls} {}\n", folder.display()),
    )
    .expect("told");
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn servers_end_with_a_process_that_is_killed() {
    let told = tempfile::NamedTempFile::new().expect("a file");
    let mut starter = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "starts_servers_and_waits_to_be_killed"])
        .env(STARTS, told.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("this program again");
    let limit = Instant::now() + Duration::from_secs(120);
    let told = loop {
        let text = std::fs::read_to_string(told.path()).expect("the file");
        if text.ends_with('\n') {
            break text;
        }
        assert!(Instant::now() < limit, "the servers did not start");
        std::thread::sleep(Duration::from_millis(50));
    };
    let words: Vec<_> = told.split_whitespace().collect();
    let (urls, folder) = (&words[..3], Path::new(words[3]));
    assert!(urls.iter().all(|url| answers(url)), "{urls:?}");
    starter.kill().expect("killed");
    starter.wait().expect("it ended");
    while urls.iter().any(|url| answers(url)) || folder.exists() {
        assert!(
            Instant::now() < limit,
            "{urls:?} or {} is left",
            folder.display()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
