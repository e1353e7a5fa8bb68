//! SQLite, driven against another process that holds the database open and commits.

mod app;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use venomqa_adapters::conformance::Conformance;
use venomqa_adapters::{
    Checkpoint, Error, Result, RowChange, SqliteAdapter, SqliteMode, SqliteOptions, System, Value,
};

use app::App;
use app::hostile::Hostile;
use app::look::Looker;

fn main() {
    app::become_app_if_asked();
    become_other_run_if_asked();
    let mut trials = Vec::new();
    for (mode, more, rare, how) in [
        ("WAL", NOTHING, NOTHING, SqliteMode::Journal),
        ("DELETE", NOTHING, NOTHING, SqliteMode::Journal),
        ("WAL", NOTHING, SCHEMA_CHANGES, SqliteMode::Auto),
        ("DELETE", NOTHING, SCHEMA_CHANGES, SqliteMode::Auto),
        ("WAL", FULL_TEXT, NOTHING, SqliteMode::Auto),
        ("DELETE", FULL_TEXT, SCHEMA_CHANGES, SqliteMode::Backup),
    ] {
        let virtual_tables = if more.is_empty() {
            ""
        } else {
            "_with_virtual_tables"
        };
        let changing = if rare.is_empty() {
            ""
        } else {
            "_with_a_changing_schema"
        };
        let name = format!("conformance_{mode}_{how:?}{virtual_tables}{changing}");
        trials.push(Trial::test(name, move || {
            conformance(mode, more, rare, how)
        }));
    }
    for (name, test) in TESTS {
        for mode in ["WAL", "DELETE"] {
            trials.push(Trial::test(format!("{name}_{mode}"), move || {
                test(&mut Bench::new(mode))
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

const NOTHING: &[&str] = &[];

const FULL_TEXT: &[&str] = &[
    "CREATE VIRTUAL TABLE words USING fts5(line)",
    "CREATE TRIGGER index_log AFTER INSERT ON log BEGIN INSERT INTO words(line) VALUES(NEW.line); END",
];

const SCHEMA_CHANGES: &[&str] = &[
    "CREATE TABLE late(id INTEGER PRIMARY KEY, n); INSERT INTO late(n) VALUES(1), (2)",
    "DROP TABLE log",
    "ALTER TABLE bare ADD COLUMN added DEFAULT 'new'",
    "DROP INDEX by_x",
    "CREATE UNIQUE INDEX late_index ON keyed(v, k)",
    "ALTER TABLE keyed RENAME TO renamed",
    "VACUUM",
];

type Test = fn(&mut Bench) -> std::result::Result<(), Failed>;

const TESTS: &[(&str, Test)] = &[
    (
        "changes_of_the_application_are_told_and_undone",
        told_and_undone,
    ),
    (
        "what_arrives_before_a_seal_is_told_by_the_seal_alone",
        told_by_the_seal,
    ),
    (
        "a_server_may_make_the_database_after_it_was_opened",
        made_later,
    ),
    ("prepared_statements_survive", prepared_statements_survive),
    ("own_statements_are_followed", own_statements),
    (
        "an_open_transaction_is_waited_for_and_then_named",
        open_transaction,
    ),
    (
        "an_open_read_is_in_the_way_only_without_a_write_ahead_log",
        open_read,
    ),
    (
        "row_numbers_are_restored_though_they_do_not_show",
        row_numbers,
    ),
    (
        "a_write_past_the_triggers_is_noticed_or_named_in_the_end",
        past_the_triggers,
    ),
    (
        "what_triggers_cannot_follow_is_copied_and_the_reason_told",
        reasons,
    ),
    (
        "a_run_begins_once_and_tells_about_itself_to_the_end",
        begins_once,
    ),
    ("a_second_run_waits_for_the_first", second_run_waits),
    (
        "who_is_waited_for_is_told_to_the_whole_process",
        waiting_is_told,
    ),
    (
        "a_temporary_trigger_that_rewrites_deceives_the_journal_until_the_end",
        temporary_trigger,
    ),
    (
        "words_of_an_index_without_contents_are_restored_but_not_told",
        contentless_index,
    ),
    (
        "a_changed_schema_without_a_copy_is_an_error",
        schema_without_copy,
    ),
    ("ignored_tables_are_left_alone", ignored_tables),
    ("nothing_is_left_after_close", nothing_left),
    (
        "a_run_that_ended_early_is_ended_by_the_next",
        ended_by_the_next,
    ),
    ("a_lost_way_back_is_named", lost_way_back),
    (
        "a_copy_is_not_put_over_a_database_that_does_not_know_it",
        lost_record,
    ),
    (
        "a_fresh_database_owes_nothing_to_an_old_run",
        fresh_database,
    ),
];

fn conformance(
    mode: &'static str,
    more: &'static [&str],
    rare: &'static [&str],
    how: SqliteMode,
) -> std::result::Result<(), Failed> {
    let mut bench = Bench::new(mode);
    let mut workload = Hostile::start(&bench.path, mode, more);
    workload.rare = rare;
    let options = SqliteOptions {
        mode: how,
        ..SqliteOptions::default()
    };
    bench.block_on(async |bench| {
        let system = SqliteAdapter::open_with(&bench.path, options).await?;
        let kit = Conformance {
            steps: 200,
            seed: 4,
            ..Conformance::default()
        };
        let walk = kit.check(&system, &mut workload).await;
        assert!(walk.jumps > 150 && walk.changes > 150, "{walk:?}");
        assert_eq!(workload.looker.damage(), NOTHING);
        Ok(())
    })
}

/// A database in a folder of its own, and the application.
struct Bench {
    folder: tempfile::TempDir,
    path: PathBuf,
    mode: &'static str,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn new(mode: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.db");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        Self {
            folder,
            path,
            mode,
            runtime,
        }
    }

    fn block_on(
        &mut self,
        test: impl AsyncFnOnce(&Self) -> Result<()>,
    ) -> std::result::Result<(), Failed> {
        Ok(self.runtime.block_on(test(self))?)
    }

    /// Starts the application with a few orders.
    fn app(&self) -> App {
        let mut app = App::start(&self.path, self.mode);
        app.run("CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, status TEXT, paid INT); CREATE TABLE notes(line)");
        app.run("INSERT INTO orders(status, paid) VALUES('new', 0), ('paid', 100)");
        app
    }

    async fn open(&self) -> Result<SqliteAdapter> {
        SqliteAdapter::open(&self.path).await
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn files_of_ours(&self) -> Vec<String> {
        let mut files = self.files();
        files.retain(|file| file.contains("venomqa"));
        files
    }
}

async fn begin(system: &SqliteAdapter) -> Result<Checkpoint> {
    Ok(system.begin(&mut |_, _| {}).await?.checkpoint)
}

fn lines(changes: &[RowChange]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

fn told_and_undone(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let system = bench.open().await?;
        let mut rows = Vec::new();
        let root = system
            .begin(&mut |table, row| rows.push((table.name.clone(), row.clone())))
            .await?;
        let first: [Value; 3] = [1.into(), "new".into(), 0.into()];
        assert!(rows.contains(&("orders".into(), first.into())));
        let names: Vec<_> = root
            .tables
            .iter()
            .map(|table| table.name.as_str())
            .collect();
        assert_eq!(
            names,
            ["notes", "orders", "sqlite_sequence", "sqlite_settings"]
        );

        app.run("UPDATE orders SET status = 'paid', paid = 100 WHERE id = 1");
        app.run("INSERT OR REPLACE INTO orders VALUES(2, 'new', 0)");
        app.run("BEGIN; INSERT INTO orders(status) VALUES('lost'); ROLLBACK");
        let told = lines(&system.changes().await?);
        assert_eq!(
            told,
            [
                "orders#1: status new -> paid, paid 0 -> 100",
                "orders#2: status paid -> new, paid 100 -> 0"
            ]
        );
        let paid = system.seal().await?.checkpoint;
        app.run("INSERT INTO orders(status) VALUES('late')");
        let untold = lines(&system.restore(root.checkpoint).await?);
        assert_eq!(
            untold,
            [
                "orders#3 added: status late, paid NULL",
                "sqlite_sequence#orders: seq 2 -> 3"
            ]
        );
        assert_eq!(
            app.run("SELECT * FROM orders WHERE paid = 100 AND id = 2"),
            1
        );
        assert_eq!(lines(&system.changes().await?), NOTHING);
        system.restore(paid).await?;
        assert_eq!(
            app.run("SELECT * FROM orders WHERE paid = 100 AND id = 1"),
            1
        );
        system.close().await
    })
}

fn told_by_the_seal(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        for (mode, late) in [
            (SqliteMode::Journal, "SELECT 1; SELECT 2"),
            (SqliteMode::Auto, "CREATE TABLE late(n); DROP TABLE late"),
            (SqliteMode::Backup, "SELECT 1; SELECT 2"),
        ] {
            let options = SqliteOptions {
                mode,
                ..SqliteOptions::default()
            };
            let system = SqliteAdapter::open_with(&bench.path, options).await?;
            let root = begin(&system).await?;
            app.run("UPDATE orders SET paid = 100 WHERE id = 1");
            app.run("INSERT INTO notes VALUES('soon gone')");
            system.changes().await?;
            app.run("UPDATE orders SET paid = 200 WHERE id = 1");
            app.run("DELETE FROM notes");
            app.run(late);
            let sealed = system.seal().await?;
            let told = lines(&sealed.untold);
            let expected = ["notes removed: line soon gone", "orders#1: paid 100 -> 200"];
            assert_eq!(told, expected, "{mode:?}");
            assert_eq!(lines(&system.changes().await?), NOTHING, "{mode:?}");
            assert_eq!(lines(&system.restore(root).await?), NOTHING, "{mode:?}");
            assert_eq!(app.run("SELECT * FROM orders WHERE paid = 0"), 1);
            system.restore(sealed.checkpoint).await?;
            assert_eq!(app.run("SELECT * FROM orders WHERE paid = 200"), 1);
            assert_eq!(app.run("SELECT * FROM notes"), 0);
            system.close().await?;
        }
        Ok(())
    })
}

fn made_later(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let system = bench.open().await?;
        assert!(!bench.path.exists());
        let early = begin(&system).await.unwrap_err().to_string();
        assert!(
            early.contains("orders.db") && early.contains("no such file yet"),
            "{early}"
        );
        let mut app = bench.app();
        let root = begin(&system).await?;
        app.run("DELETE FROM orders");
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders"), 2);
        system.close().await
    })
}

fn prepared_statements_survive(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        // The application keeps each statement prepared, per connection.
        let insert = "INSERT INTO orders(status, paid) VALUES('new', 0)";
        let count = "SELECT * FROM orders";
        for connection in 0..app::CONNECTIONS {
            app.attempt(connection, insert).unwrap();
            app.attempt(connection, count).unwrap();
        }
        let system = bench.open().await?;
        let root = begin(&system).await?;
        for round in 0..3 {
            for connection in 0..app::CONNECTIONS {
                assert_eq!(app.attempt(connection, count), Ok(5), "round {round}");
                app.attempt(connection, insert).unwrap();
                assert_eq!(app.attempt(connection, count), Ok(6), "round {round}");
                assert_eq!(system.changes().await?.len(), 2);
                system.restore(root).await?;
            }
        }
        system.close().await?;
        app.attempt(1, insert).unwrap();
        assert_eq!(app.attempt(2, count), Ok(6));
        Ok(())
    })
}

fn own_statements(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let system = bench.open().await?;
        let root = begin(&system).await?;
        let changed = system
            .execute("UPDATE orders SET paid = ? WHERE id <= ?", (7, 2))
            .await?;
        assert_eq!(changed, 2);
        let found = system
            .query(
                "SELECT id, paid, status FROM orders WHERE paid = ? ORDER BY id",
                [7],
            )
            .await?;
        assert_eq!(found[1]["id"], 2.into());
        assert_eq!(found[1].get::<String>("status")?, "paid");
        let told = lines(&system.changes().await?);
        assert_eq!(told, ["orders#1: paid 0 -> 7", "orders#2: paid 100 -> 7"]);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 7"), 0);
        app.run("ALTER TABLE orders ADD COLUMN note DEFAULT 'none'; SELECT 1");
        let all = "SELECT * FROM orders WHERE id = ?";
        assert_eq!(system.query(all, [1]).await?[0]["note"], "none".into());
        app.run("ALTER TABLE orders ADD COLUMN later DEFAULT 'too'; SELECT 1");
        assert_eq!(system.query(all, [1]).await?[0]["later"], "too".into());
        let wrong = system
            .query("SELECT * FROM order_s", ())
            .await
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("order_s"), "{wrong}");
        system.close().await
    })
}

fn open_transaction(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let options = SqliteOptions {
            settle: Duration::from_millis(200),
            ..SqliteOptions::default()
        };
        let system = SqliteAdapter::open_with(&bench.path, options).await?;
        let root = begin(&system).await?;
        app.attempt(1, "BEGIN IMMEDIATE").unwrap();
        app.attempt(1, "UPDATE orders SET paid = 5 WHERE id = 1")
            .unwrap();
        for refused in [
            system.changes().await.map(drop),
            system.restore(root).await.map(drop),
        ] {
            let Err(Error::Busy { why, remedy, .. }) = &refused else {
                panic!("{refused:?}");
            };
            assert!(
                why.contains("transaction") && remedy.contains("settle"),
                "{why}; {remedy}"
            );
            if cfg!(target_os = "linux") {
                assert!(
                    why.contains("sqlite") && why.contains("process"),
                    "names the process that holds it: {why}"
                );
            }
        }
        app.attempt(1, "COMMIT").unwrap();
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 5"]);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 5"), 0);

        // A commit that comes while the run waits for it.
        app.attempt(1, "BEGIN IMMEDIATE").unwrap();
        app.attempt(1, "UPDATE orders SET paid = 6 WHERE id = 1")
            .unwrap();
        let late = tokio::join!(system.changes(), async { app.send(1, "COMMIT") }).0?;
        app.outcome().unwrap();
        assert_eq!(lines(&late), ["orders#1: paid 0 -> 6"]);
        system.close().await
    })
}

fn open_read(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let options = SqliteOptions {
            settle: Duration::from_millis(200),
            ..SqliteOptions::default()
        };
        let system = SqliteAdapter::open_with(&bench.path, options).await?;
        let root = begin(&system).await?;
        app.run("DELETE FROM orders");
        app.attempt(1, "BEGIN").unwrap();
        assert_eq!(app.attempt(1, "SELECT * FROM orders"), Ok(0));
        let restored = system.restore(root).await;
        if bench.mode == "WAL" {
            restored?;
            // A transaction sees what it saw.
            assert_eq!(app.attempt(1, "SELECT * FROM orders"), Ok(0));
        } else {
            assert!(matches!(restored, Err(Error::Busy { .. })), "{restored:?}");
            assert_eq!(
                app.attempt(0, "SELECT * FROM orders"),
                Ok(0),
                "nothing is half restored"
            );
        }
        app.attempt(1, "COMMIT").unwrap();
        system.restore(root).await?;
        assert_eq!(app.attempt(1, "SELECT * FROM orders"), Ok(2));
        system.close().await
    })
}

fn past_the_triggers(bench: &mut Bench) -> std::result::Result<(), Failed> {
    use rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER;

    bench.block_on(async |bench| {
        let mut app = bench.app();
        let looker = Looker::open(&bench.path);
        let dump = looker.dump();
        let past = &looker.0;
        past.set_db_config(SQLITE_DBCONFIG_ENABLE_TRIGGER, false)
            .unwrap();

        // On its own it is noticed at once.
        let system = bench.open().await?;
        let root = begin(&system).await?;
        app.run("DELETE FROM orders WHERE id = 2");
        system.seal().await?;
        past.execute_batch("UPDATE orders SET paid = 77 WHERE id = 1")
            .unwrap();
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 77"]);
        let paid = system.seal().await?.checkpoint;
        let paid_dump = looker.dump();
        system.restore(root).await?;
        assert_eq!(looker.dump(), dump);
        system.restore(paid).await?;
        assert_eq!(looker.dump(), paid_dump);
        system.close().await?;
        assert_eq!(looker.dump(), dump);

        // Together with others it is not, but nothing of it stays.
        let system = bench.open().await?;
        begin(&system).await?;
        app.run("DELETE FROM orders WHERE id = 2");
        past.execute_batch("UPDATE orders SET paid = 77 WHERE id = 1")
            .unwrap();
        assert_eq!(lines(&system.changes().await?), ["orders#2 removed"]);
        let told = system.close().await.unwrap_err().to_string();
        assert!(
            told.contains("orders#1: paid 0 -> 77") && told.contains("SqliteMode::Backup"),
            "{told}"
        );
        assert_eq!(looker.dump(), dump);
        assert_eq!(looker.ours(), NOTHING);
        assert_eq!(bench.files_of_ours(), NOTHING);
        Ok(())
    })
}

fn row_numbers(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        app.run("INSERT INTO notes VALUES('same'), ('other')");
        let looker = Looker::open(&bench.path);
        let dump = looker.dump();
        for mode in [SqliteMode::Journal, SqliteMode::Backup] {
            let options = SqliteOptions { mode, ..SqliteOptions::default() };
            let system = SqliteAdapter::open_with(&bench.path, options).await?;
            let root = begin(&system).await?;
            app.run("BEGIN; DELETE FROM notes WHERE line = 'same'; INSERT INTO notes VALUES('same'); COMMIT");
            assert_ne!(looker.dump(), dump);
            assert_eq!(lines(&system.changes().await?), NOTHING, "{mode:?}");
            system.restore(root).await?;
            assert_eq!(looker.dump(), dump, "{mode:?}");
            system.close().await?;
        }
        Ok(())
    })
}

fn reasons(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        for (number, (schema, reason)) in [
            (
                "CREATE VIRTUAL TABLE words USING fts5(line)",
                "`words` is a virtual table",
            ),
            (
                "CREATE TABLE all_hidden(rowid, oid, _rowid_)",
                "columns of `all_hidden` hide its row numbers",
            ),
            (
                "CREATE TABLE plain(id INTEGER PRIMARY KEY, n)",
                "trigger journal",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let path = bench.folder.path().join(format!("{number}.db"));
            let mut app = App::start(&path, bench.mode);
            app.run(&format!(
                "{schema}; CREATE TABLE t(n); INSERT INTO t VALUES(1)"
            ));
            let system = SqliteAdapter::open(&path).await?;
            let root = begin(&system).await?;
            let mechanism = system.about().mechanism;
            assert!(mechanism.contains(reason), "{mechanism}");
            app.run("UPDATE t SET n = 2");
            system.restore(root).await?;
            assert_eq!(app.run("SELECT * FROM t WHERE n = 1"), 1, "{schema}");
            system.close().await?;
        }
        Ok(())
    })
}

fn begins_once(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        app.run("CREATE VIRTUAL TABLE words USING fts5(line); SELECT 1");
        let system = bench.open().await?;
        begin(&system).await?;
        let about = system.about();
        assert!(about.name.contains("orders.db"), "{about:?}");
        assert!(
            about
                .name
                .to_lowercase()
                .contains(&bench.mode.to_lowercase()),
            "{about:?}"
        );
        assert!(
            about.mechanism.contains("`words` is a virtual table"),
            "{about:?}"
        );
        let twice = begin(&system).await.unwrap_err().to_string();
        assert!(twice.contains("has begun already"), "{twice}");
        system.close().await?;
        assert_eq!(system.about(), about);
        let closed = begin(&system).await.unwrap_err().to_string();
        assert!(closed.contains("was closed"), "{closed}");
        Ok(())
    })
}

fn second_run_waits(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let _app = bench.app();
        let first = bench.open().await?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = heard.clone();
        let impatient = SqliteOptions {
            lock_wait: Duration::from_millis(50),
            on_wait: Some(Arc::new(move |whom| {
                hear.lock().unwrap().push(whom.to_owned())
            })),
            ..SqliteOptions::default()
        };
        // The same file by another path.
        let link = bench.folder.path().join("linked.db");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&bench.path, &link).unwrap();
        #[cfg(windows)]
        std::os::windows::fs::symlink_file(&bench.path, &link).unwrap();
        let refused = SqliteAdapter::open_with(&link, impatient.clone())
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::Busy { .. }), "{refused}");
        let process = format!("process {}", std::process::id());
        assert!(refused.to_string().contains(&process), "{refused}");
        let told = heard.lock().unwrap().clone();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("waiting for") && told[0].contains(&process),
            "{told:?}"
        );

        let patient = SqliteOptions {
            lock_wait: Duration::from_secs(60),
            ..impatient
        };
        let (second, closed) =
            tokio::join!(SqliteAdapter::open_with(&link, patient), first.close());
        closed?;
        second?.close().await?;
        assert_eq!(bench.files_of_ours(), NOTHING);
        Ok(())
    })
}

const OTHER_RUN: &str = "VENOMQA_TEST_OTHER_RUN_DATABASE";

/// Becomes a run that holds a database until its input ends, if this process was started as one.
fn become_other_run_if_asked() {
    let Some(database) = std::env::var_os(OTHER_RUN).map(PathBuf::from) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let system = runtime.block_on(SqliteAdapter::open(database)).unwrap();
    writeln!(std::io::stdout(), "holds").expect("the test listens");
    let _ = std::io::stdin().read_line(&mut String::new());
    runtime.block_on(system.close()).unwrap();
    std::process::exit(0);
}

fn waiting_is_told(bench: &mut Bench) -> std::result::Result<(), Failed> {
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

    bench.block_on(async |bench| {
        let _app = bench.app();
        let program = std::env::current_exe().unwrap();
        let mut other = Command::new(&program)
            .env(OTHER_RUN, &bench.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(other.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "holds");

        // Other tests of this process wait too, for databases of their own.
        let path = bench.path.display().to_string();
        let heard = || {
            let heard = HEARD.lock().unwrap();
            heard
                .iter()
                .filter(|told| told.contains(&path))
                .cloned()
                .collect::<Vec<_>>()
        };
        venomqa_adapters::on_wait(|told| HEARD.lock().unwrap().push(told.into()));
        let mut options = SqliteOptions {
            lock_wait: Duration::from_millis(50),
            ..SqliteOptions::default()
        };
        let refused = SqliteAdapter::open_with(&bench.path, options.clone()).await;
        assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
        let program = program.file_name().unwrap().to_string_lossy().into_owned();
        let holder = format!("waiting for {program} (process {})", other.id());
        assert!(
            matches!(heard().as_slice(), [told] if told.contains(&holder)),
            "{holder}: {:?}",
            heard()
        );

        let own = Arc::new(Mutex::new(0));
        let hear = own.clone();
        options.on_wait = Some(Arc::new(move |_| *hear.lock().unwrap() += 1));
        let refused = SqliteAdapter::open_with(&bench.path, options).await;
        assert!(refused.is_err());
        assert_eq!((*own.lock().unwrap(), heard().len()), (1, 1));
        drop(other.stdin.take());
        assert!(other.wait().unwrap().success());
        Ok(())
    })
}

fn temporary_trigger(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        app.run(
            "CREATE TEMP TRIGGER rewrites AFTER INSERT ON notes BEGIN \
             UPDATE notes SET line = upper(line) WHERE rowid = NEW.rowid; END",
        );
        let looker = Looker::open(&bench.path);
        let dump = looker.dump();
        for mode in [SqliteMode::Auto, SqliteMode::Backup] {
            let options = SqliteOptions {
                mode,
                ..SqliteOptions::default()
            };
            let system = SqliteAdapter::open_with(&bench.path, options).await?;
            let root = begin(&system).await?;
            let gap = system
                .about()
                .gaps
                .iter()
                .any(|gap| gap.contains("TEMP trigger"));
            assert_eq!(gap, mode == SqliteMode::Auto);
            app.run("INSERT INTO notes VALUES('loud')");
            let told = lines(&system.changes().await?);
            assert_eq!(told == ["notes added: line LOUD"], !gap, "{told:?}");
            system.restore(root).await?;
            assert_eq!(looker.dump() == dump, !gap);
            assert_eq!(system.close().await.is_err(), gap);
            assert_eq!(looker.dump(), dump);
        }
        Ok(())
    })
}

fn contentless_index(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        app.run("CREATE VIRTUAL TABLE lines USING fts5(line); SELECT 1");
        app.run("CREATE VIRTUAL TABLE words USING fts5(line, content = ''); SELECT 1");
        app.run("INSERT INTO words(rowid, line) VALUES(1, 'before')");
        let system = bench.open().await?;
        let root = begin(&system).await?;
        let gaps = system.about().gaps.join(" ");
        assert!(
            gaps.contains("`words`") && !gaps.contains("`lines`"),
            "{gaps}"
        );
        app.run("INSERT INTO words(words) VALUES('delete-all'); INSERT INTO words(rowid, line) VALUES(1, 'after')");
        assert_eq!(lines(&system.changes().await?), NOTHING);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM words WHERE words MATCH 'before'"), 1);
        system.close().await
    })
}

fn schema_without_copy(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let options = SqliteOptions {
            mode: SqliteMode::Journal,
            ..SqliteOptions::default()
        };
        let system = SqliteAdapter::open_with(&bench.path, options).await?;
        begin(&system).await?;
        app.run("CREATE TABLE surprise(id); ALTER TABLE notes ADD COLUMN author");
        let refused = system.changes().await.unwrap_err();
        assert!(matches!(refused, Error::Irreversible { .. }), "{refused}");
        let message = refused.to_string();
        assert!(
            message.contains("surprise") && message.contains("notes"),
            "{message}"
        );
        assert!(message.contains("SqliteMode::Auto"), "{message}");
        let refused = system.close().await.unwrap_err();
        assert!(refused.to_string().contains("surprise"), "{refused}");
        Ok(())
    })
}

fn ignored_tables(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let options = SqliteOptions {
            ignored_tables: vec!["notes".into()],
            ..SqliteOptions::default()
        };
        let system = SqliteAdapter::open_with(&bench.path, options).await?;
        let root = begin(&system).await?;
        app.run("INSERT INTO notes VALUES('stays')");
        app.run("DELETE FROM orders WHERE id = 1");
        assert_eq!(lines(&system.changes().await?), ["orders#1 removed"]);
        system.restore(root).await?;
        assert_eq!(
            (
                app.run("SELECT * FROM orders"),
                app.run("SELECT * FROM notes")
            ),
            (2, 1)
        );
        assert!(system.about().gaps.iter().any(|gap| gap.contains("notes")));
        system.close().await
    })
}

fn nothing_left(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let looker = Looker::open(&bench.path);
        let (dump, mut files) = (looker.dump(), bench.files());
        let system = bench.open().await?;
        begin(&system).await?;
        assert!(!looker.ours().is_empty());
        app.run("DELETE FROM sqlite_sequence");
        app.run("INSERT INTO orders(status) VALUES('new')");
        app.run("PRAGMA user_version = 9");
        app.run("DROP TABLE notes; CREATE TABLE other(x)");
        system.seal().await?;
        app.run("INSERT INTO other VALUES(1)");
        system.close().await?;
        system.close().await?;
        assert_eq!(looker.dump(), dump);
        assert_eq!(looker.ours(), NOTHING);
        let mut left = bench.files();
        left.sort();
        files.sort();
        assert_eq!(left, files);
        assert_eq!(app.run("SELECT * FROM notes"), 0);
        Ok(())
    })
}

/// Opens, begins, changes something and lets the adapter go without closing it, as a panic does.
async fn abandon(bench: &Bench, app: &mut App, options: SqliteOptions) -> Result<()> {
    let system = SqliteAdapter::open_with(&bench.path, options).await?;
    begin(&system).await?;
    app.run("DELETE FROM orders WHERE id = 2");
    system.seal().await?;
    app.run("INSERT INTO orders(status) VALUES('later')");
    Ok(())
}

fn ended_by_the_next(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let looker = Looker::open(&bench.path);
        let dump = looker.dump();
        for mode in [SqliteMode::Auto, SqliteMode::Journal, SqliteMode::Backup] {
            abandon(
                bench,
                &mut app,
                SqliteOptions {
                    mode,
                    ..SqliteOptions::default()
                },
            )
            .await?;
            assert_ne!(looker.dump(), dump);
            let next = bench.open().await?;
            assert_eq!(looker.dump(), dump, "{mode:?}");
            assert_eq!(looker.ours(), NOTHING);
            next.close().await?;
            assert_eq!(bench.files_of_ours(), NOTHING);
        }
        Ok(())
    })
}

fn lost_way_back(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let options = SqliteOptions {
            mode: SqliteMode::Backup,
            ..SqliteOptions::default()
        };
        abandon(bench, &mut app, options).await?;
        let copy = bench.folder.path().join("orders.db.venomqa-root");
        std::fs::remove_file(&copy).unwrap();
        let before = Looker::open(&bench.path).dump();
        let refused = bench.open().await.unwrap_err();
        assert!(matches!(refused, Error::NotRestored { .. }), "{refused}");
        assert!(
            refused.to_string().contains("make the database anew"),
            "{refused}"
        );
        assert_eq!(Looker::open(&bench.path).dump(), before);
        Ok(())
    })
}

fn lost_record(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        abandon(bench, &mut app, SqliteOptions::default()).await?;
        app.run("DROP TABLE _venomqa_run; SELECT 1");
        let before = Looker::open(&bench.path).dump();
        let refused = bench.open().await.unwrap_err().to_string();
        assert!(refused.contains("orders.db.venomqa-root"), "{refused}");
        assert_eq!(Looker::open(&bench.path).dump(), before);
        assert!(
            bench
                .files_of_ours()
                .contains(&"orders.db.venomqa-root".to_owned())
        );
        Ok(())
    })
}

fn fresh_database(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        abandon(bench, &mut bench.app(), SqliteOptions::default()).await?;
        remove_database(&bench.path);
        let system = bench.open().await?;
        let mut app = bench.app();
        begin(&system).await?;
        system.close().await?;
        assert_eq!(app.run("SELECT * FROM orders"), 2);
        assert_eq!(bench.files_of_ours(), NOTHING);
        Ok(())
    })
}

fn remove_database(path: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
}
