//! A schema and statements that are hard to follow.

use std::path::Path;

use venomqa_adapters::BoxFuture;
use venomqa_adapters::conformance::{Contents, Dice, Workload};

use super::App;
use super::look::Looker;

/// The schema, one statement a line. `%` separates the statements that belong to virtual tables.
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE TABLE plain(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT UNIQUE, c)",
    "CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, plain INT REFERENCES plain(id) ON DELETE CASCADE ON UPDATE CASCADE, x INT NOT NULL DEFAULT 7 UNIQUE)",
    "CREATE TABLE also(n INTEGER PRIMARY KEY AUTOINCREMENT, later INT REFERENCES also(n) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE keyed(k TEXT PRIMARY KEY, v INT)",
    "CREATE TABLE flat(k TEXT COLLATE NOCASE, n, v, PRIMARY KEY(k, n), UNIQUE(v)) WITHOUT ROWID",
    "CREATE TABLE bare(x, y)",
    "CREATE TABLE \"we\"\"ird; [name]\"(\"a b\" INT UNIQUE, \"c\"\"d\", \"select\" TEXT COLLATE NOCASE)",
    "CREATE UNIQUE INDEX \"odd (index,\" ON \"we\"\"ird; [name]\"(\"select\" COLLATE RTRIM DESC, \"a b\")",
    "CREATE TABLE hides(rowid TEXT, _rowid_ INT UNIQUE, z)",
    "CREATE TABLE made(id INTEGER PRIMARY KEY, a INT, dbl INT AS (a * 2) VIRTUAL, txt TEXT AS ('n' || a) STORED UNIQUE, low TEXT)",
    "CREATE UNIQUE INDEX by_expression ON made(lower(low), a % 3) WHERE low IS NOT NULL AND low <> ','",
    "CREATE UNIQUE INDEX partial ON plain(c) WHERE b > 2",
    "CREATE TABLE strict(id INT PRIMARY KEY, any ANY, r REAL, t TEXT) STRICT",
    "CREATE TABLE declared(k INT NOT NULL ON CONFLICT REPLACE DEFAULT 3 UNIQUE ON CONFLICT REPLACE, said TEXT NOT NULL ON CONFLICT REPLACE DEFAULT \"k\", UNIQUE(said))",
    "CREATE TABLE old(new INT UNIQUE, old TEXT UNIQUE, old_new AS (new + 1) UNIQUE)",
    "CREATE TABLE log(line TEXT)",
    "CREATE TRIGGER after_keyed AFTER INSERT ON keyed BEGIN UPDATE keyed SET v = v + 10 WHERE k = NEW.k; INSERT INTO log VALUES('+' || NEW.k); END",
    "CREATE TRIGGER before_keyed BEFORE UPDATE ON keyed WHEN OLD.v < 3 BEGIN DELETE FROM log WHERE rowid = (SELECT min(rowid) FROM log); END",
    "CREATE TRIGGER gone_plain AFTER DELETE ON plain BEGIN INSERT OR REPLACE INTO keyed VALUES('k' || (OLD.id % 3), 0); END",
    "CREATE TRIGGER log_is_short AFTER INSERT ON log WHEN (SELECT count(*) FROM log) > 6 BEGIN DELETE FROM log WHERE rowid = NEW.rowid; END",
    "CREATE VIEW both AS SELECT id, a FROM plain",
    "CREATE TRIGGER both_insert INSTEAD OF INSERT ON both BEGIN INSERT OR REPLACE INTO plain(id, a) VALUES(NEW.id, NEW.a); END",
    "CREATE INDEX by_x ON counted(x)",
    "INSERT INTO plain VALUES(1, 'a1', 1, 1), (2, 'a2', 2, NULL), (5, NULL, 5, 5)",
    "INSERT INTO counted(plain, x) VALUES(1, 1), (2, 2)",
    "INSERT INTO flat VALUES('A', 1, 1), ('b', 1.5, 2)",
    "INSERT INTO bare VALUES(1, 2), (1, 2), (NULL, x'00ff')",
    "INSERT INTO made(id, a, low) VALUES(1, 1, 'L')",
    "PRAGMA user_version = 4",
];

/// One random statement or transaction.
pub(crate) fn statement(dice: &mut Dice) -> String {
    let (id, a, b) = (dice.below(9), dice.below(6), dice.below(6));
    let or = *dice.pick(&[
        "",
        "OR REPLACE",
        "OR REPLACE",
        "OR IGNORE",
        "OR FAIL",
        "OR ABORT",
        "OR ROLLBACK",
    ]);
    let odd = *dice.pick(&[
        "NULL",
        "1",
        "1.0",
        "'1'",
        "x'31'",
        "9e999",
        "-9e999",
        "0.1",
        "''",
        "CAST(x'ff61' AS TEXT)",
        "-0.0",
        "9223372036854775807",
        "'a' || char(0) || 'b'",
    ]);
    match dice.below(45) {
        40 => format!(
            "INSERT {or} INTO declared VALUES({}, {})",
            ["NULL", "1", "2"][a % 3],
            ["NULL", "'k'", "'l'"][b % 3]
        ),
        41 => format!(
            "UPDATE declared SET k = {} WHERE k = {b}",
            ["NULL", "1", "2", "3"][a % 4]
        ),
        42 => format!("INSERT {or} INTO old(new, old) VALUES({a}, 'o{b}')"),
        43 => format!("UPDATE {or} old SET new = {a}, old = 'o{b}' WHERE new % 3 = {id} % 3"),
        44 => format!("INSERT {or} INTO plain VALUES('{id}', 'a{a}', {odd}, {b})"),
        0 => format!("INSERT {or} INTO plain VALUES({id}, 'a{a}', {b}, {odd})"),
        1 => format!("INSERT {or} INTO plain(a, b) VALUES('a{a}', {b})"),
        2 => format!("UPDATE {or} plain SET a = 'a{a}', b = {b} WHERE id = {id}"),
        3 => format!("UPDATE {or} plain SET id = {id} WHERE b = {b}"),
        4 => format!("UPDATE {or} plain SET id = id + 1, c = {odd}"),
        5 => format!("DELETE FROM plain WHERE id = {id}"),
        6 if a == 0 => "DELETE FROM plain".into(),
        6 | 7 => format!(
            "INSERT INTO plain VALUES({id}, 'a{a}', {b}, 1) ON CONFLICT(a) DO UPDATE SET b = excluded.b + 1, c = c + 1 ON CONFLICT DO NOTHING"
        ),
        8 => format!(
            "INSERT {or} INTO counted(plain, x) VALUES((SELECT min(id) FROM plain WHERE id > {id}), {b})"
        ),
        // NULL becomes the default where the column may not be NULL.
        9 => format!("INSERT OR REPLACE INTO counted(plain, x) VALUES(NULL, NULL), (NULL, {b})"),
        10 => format!("UPDATE {or} counted SET x = {a} WHERE id % 3 = {b} % 3"),
        11 => format!("DELETE FROM counted WHERE x < {a}"),
        12 => format!(
            "BEGIN; INSERT INTO also(later) VALUES((SELECT ifnull(max(n), 0) + 2 FROM also)); INSERT INTO also(later) VALUES(NULL); {}",
            end(dice)
        ),
        13 => format!("DELETE FROM also WHERE n % 4 = {a} % 4"),
        14 => format!("INSERT {or} INTO keyed VALUES('k{a}', {b})"),
        15 => format!("INSERT INTO keyed VALUES('k{a}', 1) ON CONFLICT(k) DO UPDATE SET v = v + 1"),
        16 => format!("UPDATE {or} keyed SET k = 'k{a}' WHERE k = 'k{b}'"),
        17 => format!("DELETE FROM keyed WHERE v % 3 = {a} % 3"),
        18 => format!(
            "INSERT {or} INTO flat VALUES('{}', {}, {b})",
            ["a", "A", "b", "B", "c", "C"][a],
            ["1", "1.0", "2", "x'01'", "'1'", "1.5"][id % 6]
        ),
        19 => format!(
            "UPDATE {or} flat SET k = '{}', n = {} WHERE v = {b}",
            ["a", "A", "b", "B", "c", "C"][a],
            ["1", "1.0", "2", "x'01'", "'1'", "1.5"][id % 6]
        ),
        20 => format!(
            "UPDATE {or} flat SET k = CASE WHEN k = upper(k) THEN lower(k) ELSE upper(k) END, v = v + {}",
            a % 2
        ),
        21 => format!("DELETE FROM flat WHERE v = {b}"),
        22 => format!("INSERT INTO bare VALUES({odd}, {b}), ({a}, {odd})"),
        23 => format!("UPDATE bare SET y = {odd} WHERE rowid % 3 = {a} % 3"),
        24 => format!("DELETE FROM bare WHERE rowid > {id}"),
        25 => format!("UPDATE {or} bare SET rowid = {id} WHERE y = {b} OR rowid = {a} + 1"),
        26 => format!(
            "INSERT {or} INTO \"we\"\"ird; [name]\" VALUES({a}, {odd}, 'S{b}' || substr('   ', {b}))"
        ),
        27 => format!("INSERT {or} INTO hides VALUES('{a}', {b}, {odd})"),
        28 => format!("UPDATE {or} hides SET _rowid_ = {a}, oid = {id} + 1 WHERE _rowid_ = {b}"),
        29 => format!(
            "INSERT {or} INTO made(id, a, low) VALUES({id}, {a}, '{}')",
            ["L", "l", ",", "M", "m", "x"][b]
        ),
        30 => format!(
            "INSERT {or} INTO made(a, low) VALUES({a}, '{}')",
            ["L", "l", ",", "M", "m", "x"][b]
        ),
        31 => format!(
            "UPDATE {or} made SET a = {a}, low = '{}' WHERE id = {id}",
            ["L", "l", ",", "M", "m", "x"][b]
        ),
        32 => format!("DELETE FROM made WHERE dbl = {}", 2 * a),
        33 => format!("INSERT {or} INTO strict VALUES({id}, {odd}, {a}, 't{b}')"),
        34 => format!("INSERT INTO both VALUES({id}, 'a{a}')"),
        35 => format!(
            "BEGIN; SAVEPOINT s; DELETE FROM plain; ROLLBACK TO s; INSERT OR REPLACE INTO plain VALUES({id}, 'a{a}', {b}, 3); DELETE FROM bare; {}",
            end(dice)
        ),
        36 => format!("PRAGMA user_version = {a}"),
        37 => format!("UPDATE sqlite_sequence SET seq = {id} WHERE name = 'also'"),
        38 if a == 0 => "DELETE FROM sqlite_sequence".into(),
        38 => "DELETE FROM log WHERE rowid % 2".into(),
        _ => format!("UPDATE strict SET id = {id}, r = r + 0.5 WHERE id = {a}"),
    }
}

fn end(dice: &mut Dice) -> &'static str {
    ["COMMIT", "COMMIT", "ROLLBACK"][dice.below(3)]
}

/// The application and an independent observer of its database.
pub(crate) struct Hostile {
    pub(crate) app: App,
    pub(crate) looker: Looker,
    /// Statements that one time in fifty take the place of a usual one.
    pub(crate) rare: &'static [&'static str],
    /// Statements that succeeded.
    pub(crate) applied: usize,
}

impl Hostile {
    /// Makes the database and leaves the application running.
    pub(crate) fn start(path: &Path, mode: &str, more: &[&str]) -> Self {
        let mut app = App::start(path, mode);
        for sql in SCHEMA.iter().chain(more) {
            app.attempt(0, &format!("{sql};"))
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        let looker = Looker::open(path);
        Self {
            app,
            looker,
            rare: &[],
            applied: 0,
        }
    }
}

impl Workload for Hostile {
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
        let rare = !self.rare.is_empty() && dice.percent(2);
        let sql = if rare {
            dice.pick(self.rare).to_string()
        } else {
            statement(dice)
        };
        // Many are refused by a constraint: that is a change undone by the application itself.
        let outcome = self.app.attempt(dice.below(super::CONNECTIONS), &sql);
        self.applied += usize::from(outcome.is_ok());
        if let Err(error) = outcome {
            let known = [
                "constraint",
                "FOREIGN KEY",
                "datatype",
                "cannot store",
                "overflow",
                "no such",
                "already",
                "duplicate",
                "mismatch",
                "values were supplied",
            ];
            assert!(
                known.iter().any(|known| error.contains(known)),
                "{sql}: {error}"
            );
        }
        Box::pin(std::future::ready(()))
    }

    fn contents(&mut self) -> BoxFuture<'_, Contents> {
        Box::pin(std::future::ready(self.looker.contents()))
    }

    fn dump(&mut self) -> BoxFuture<'_, String> {
        Box::pin(std::future::ready(self.looker.dump()))
    }
}
