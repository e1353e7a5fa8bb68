//! A schema and statements that are hard to follow.

use venomqa_adapters::BoxFuture;
use venomqa_adapters::conformance::{Contents, Dice, Workload};

use super::App;
use super::look::Looker;

/// The schema, one statement a line.
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE TABLE plain(id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(20) UNIQUE, b INT UNSIGNED UNIQUE, c VARCHAR(300)) CHARSET utf8mb4",
    "CREATE TABLE child(id INT AUTO_INCREMENT PRIMARY KEY, plain INT, x INT NOT NULL DEFAULT 7 UNIQUE, FOREIGN KEY(plain) REFERENCES plain(id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE grandchild(id INT AUTO_INCREMENT PRIMARY KEY, child INT, tag VARCHAR(9), FOREIGN KEY(child) REFERENCES child(id) ON DELETE SET NULL ON UPDATE CASCADE)",
    "CREATE TABLE tree(id INT PRIMARY KEY, parent INT, pos INT UNIQUE, FOREIGN KEY(parent) REFERENCES tree(id) ON DELETE CASCADE)",
    "CREATE TABLE one(id INT PRIMARY KEY, other INT)",
    "CREATE TABLE other(id INT PRIMARY KEY, one INT NOT NULL, FOREIGN KEY(one) REFERENCES one(id))",
    "ALTER TABLE one ADD FOREIGN KEY(other) REFERENCES other(id) ON DELETE SET NULL",
    "CREATE TABLE types(id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, t1 TINYINT, s2 SMALLINT UNSIGNED, m3 MEDIUMINT, flag BOOL, f FLOAT, g DOUBLE, f72 FLOAT(7,2), filled DECIMAL(9,3) UNSIGNED ZEROFILL,  d DECIMAL(30,10), \
     big BIGINT UNSIGNED, b VARBINARY(300), fixed BINARY(16), bits BIT(13), e ENUM('a','it''s','c,d'), s SET('x','y','z'), day DATE, moment DATETIME(6), stamp TIMESTAMP(3) NULL, \
     lasts TIME(2), y YEAR, long_text LONGTEXT, tiny TINYBLOB, medium MEDIUMBLOB, doc JSON, latin VARCHAR(50) CHARSET latin1, wide CHAR(10) CHARSET utf16, padded CHAR(200), \
     u UUID, six INET6, spot POINT, hidden INT INVISIBLE DEFAULT 3) CHARSET utf8mb4",
    "CREATE TABLE bare(x INT, y VARCHAR(20), z VARBINARY(20))",
    "CREATE TABLE computed(x INT, v INT AS (x + 1) VIRTUAL, p INT AS (x * 2) PERSISTENT)",
    "CREATE TABLE loose(a INT, b VARCHAR(9), c INT, UNIQUE(a, b))",
    "CREATE TABLE folded(k VARCHAR(20) PRIMARY KEY, v VARCHAR(200) UNIQUE) CHARSET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE part(id INT, k INT, v VARCHAR(30), PRIMARY KEY(id, k)) PARTITION BY HASH(k) PARTITIONS 4",
    "CREATE TABLE made(id INT AUTO_INCREMENT PRIMARY KEY, a INT, twice INT AS (a * 2) VIRTUAL, txt VARCHAR(20) AS (CONCAT('n', a)) PERSISTENT UNIQUE, low VARCHAR(20), KEY(twice), CHECK(a < 1000))",
    "CREATE TABLE `we``ird; [name] \"é\"`(`a b` INT UNIQUE, `c``d` VARCHAR(9), `select` VARCHAR(20) COLLATE utf8mb4_bin UNIQUE) CHARSET utf8mb4",
    "CREATE TABLE twin(b INT, a INT, PRIMARY KEY(b, a))",
    "CREATE TABLE TWIN(a INT, b INT, PRIMARY KEY(a, b))",
    "CREATE TABLE log(line VARCHAR(50))",
    "CREATE TRIGGER after_folded AFTER INSERT ON folded FOR EACH ROW INSERT INTO log VALUES(CONCAT('+', NEW.k))",
    "CREATE TRIGGER before_folded BEFORE UPDATE ON folded FOR EACH ROW SET NEW.v = CONCAT(LEFT(NEW.v, 50), '!')",
    "CREATE TRIGGER gone_bare AFTER DELETE ON bare FOR EACH ROW UPDATE made SET a = a + 1 WHERE id = 1",
    "CREATE VIEW pairs AS SELECT id, a FROM plain",
    "CREATE PROCEDURE move_on() UPDATE made SET a = a + 1 ORDER BY id DESC",
    "INSERT INTO plain VALUES(1, 'a1', 1, 'c'), (2, 'a2', 2, NULL), (5, NULL, 5, '')",
    "INSERT INTO child(plain, x) VALUES(1, 1), (2, 2)",
    "INSERT INTO grandchild(child, tag) VALUES(1, 'one'), (2, 'two')",
    "INSERT INTO tree VALUES(1, NULL, 1), (2, 1, 2), (3, 2, 3)",
    "INSERT INTO bare VALUES(1, 'd', NULL), (1, 'd', NULL), (NULL, NULL, x'00ff00')",
    "INSERT INTO folded VALUES('A', 'x'), ('b', 'y')",
    "INSERT INTO made(a, low) VALUES(1, 'L')",
    "INSERT INTO computed(x) VALUES(1), (1), (NULL)",
];

/// One random statement or transaction.
pub(crate) fn statement(dice: &mut Dice) -> String {
    let (id, a, b) = (dice.below(9), dice.below(6), dice.below(6));
    let letter = ["a", "A", "b", "B", "c", "ä"][a];
    match dice.below(58) {
        0 => format!("INSERT INTO plain VALUES({id}, 'a{a}', {b}, REPEAT('c', {a} * 50))"),
        1 => format!("INSERT INTO plain(a, b) VALUES('a{a}', {b})"),
        2 => format!("REPLACE INTO plain(a, b) VALUES('a{a}', {b})"),
        3 => format!("UPDATE plain SET a = 'a{a}', b = {b} WHERE id = {id}"),
        4 => format!("UPDATE plain SET id = id + 10 WHERE b = {b}"),
        5 => format!("DELETE FROM plain WHERE id % 9 = {id}"),
        6 => format!(
            "INSERT INTO plain(id, a, b) VALUES({id}, 'a{a}', {b}) ON DUPLICATE KEY UPDATE b = b + 7, c = 'again'"
        ),
        7 => format!(
            "INSERT IGNORE INTO plain(a, b) VALUES('a{a}', {b}), ('a{b}', {a}), (NULL, NULL)"
        ),
        8 => format!(
            "INSERT INTO child(plain, x) VALUES((SELECT MIN(id) FROM plain WHERE id > {id}), {b})"
        ),
        9 => format!("REPLACE INTO child(plain, x) VALUES(NULL, {b})"),
        10 => format!("UPDATE child SET x = x + 1 WHERE x % 3 = {a} % 3 ORDER BY x DESC"),
        11 => format!("UPDATE child SET id = id + 20 WHERE x = {a}"),
        12 => format!("DELETE FROM child WHERE x < {a}"),
        13 => {
            "INSERT INTO grandchild(child, tag) SELECT id, 'g' FROM child ORDER BY id DESC LIMIT 2"
                .into()
        }
        14 => format!("DELETE FROM grandchild WHERE id % 4 = {a} % 4"),
        15 => format!(
            "UPDATE child, grandchild SET child.x = child.x + 11, grandchild.tag = 'both' WHERE grandchild.child = child.id AND child.id % 3 = {a} % 3"
        ),
        16 => format!(
            "DELETE child, grandchild FROM child LEFT JOIN grandchild ON grandchild.child = child.id WHERE child.id % 4 = {b} % 4"
        ),
        17 => format!(
            "INSERT INTO tree SELECT MAX(id) + 1, MAX(id) - {a} % 3, MAX(pos) + 1 FROM tree"
        ),
        18 => format!("INSERT INTO tree VALUES({id} + 1, NULL, {id} + 1)"),
        19 => "UPDATE tree SET pos = pos + 1 ORDER BY pos DESC".into(),
        20 => format!("DELETE FROM tree WHERE id = {id}"),
        21 => format!("INSERT INTO one VALUES({id}, NULL)"),
        22 => format!("INSERT INTO other SELECT {id}, MIN(id) FROM one HAVING COUNT(*) > 0"),
        23 => "UPDATE one SET other = (SELECT MAX(id) FROM other)".into(),
        24 => format!("DELETE FROM other WHERE id = {id}"),
        25 | 26 => types(dice),
        27 => format!(
            "UPDATE types SET d = d + 1, m3 = -m3, y = y + 1, long_text = CONCAT(long_text, 'é'), fixed = x'00ff0{a}' WHERE id % 3 = {a} % 3"
        ),
        28 => format!("DELETE FROM types WHERE id % 3 = {b} % 3"),
        29 => format!(
            "UPDATE types SET doc = JSON_SET(doc, '$.n', {a}), spot = POINT({a}, {b}), hidden = hidden + 1, stamp = stamp + INTERVAL 1 HOUR WHERE id % 2 = {a} % 2"
        ),
        30 => format!(
            "INSERT INTO bare VALUES(1, 'd', NULL), (1, 'd', NULL), ({a}, '{letter} ', x'0{b}00')"
        ),
        31 => format!("DELETE FROM bare WHERE x = {a} LIMIT 2"),
        32 => format!("UPDATE bare SET y = '{letter}' WHERE x = {b} OR x IS NULL LIMIT 1"),
        33 => format!("INSERT INTO computed(x) VALUES({a}), ({a}), ({b})"),
        34 => format!("UPDATE computed SET x = x + 1 WHERE x = {a} LIMIT 1"),
        35 => format!("DELETE FROM computed WHERE v = {b} LIMIT 1"),
        36 => format!(
            "INSERT INTO loose VALUES({a}, NULL, 1), ({a}, NULL, 1), ({b}, '{letter}', {id})"
        ),
        37 => format!("REPLACE INTO loose VALUES({b}, '{letter}', {id}), (NULL, '{letter}', {id})"),
        38 => format!("UPDATE loose SET c = c + 1, a = IF(c > 3, NULL, a) WHERE a = {a} LIMIT 2"),
        39 => format!("DELETE FROM loose WHERE a = {a} OR c = {id} LIMIT 2"),
        40 => format!("REPLACE INTO folded VALUES('{letter}', 'n{b}')"),
        41 => format!(
            "UPDATE folded SET k = IF(BINARY k = UPPER(k), LOWER(k), UPPER(k)) WHERE k = '{letter}'"
        ),
        42 => format!(
            "INSERT INTO folded VALUES('{letter}', 'v{id}') ON DUPLICATE KEY UPDATE v = CONCAT(LEFT(v, 9), '{letter}')"
        ),
        43 => format!(
            "INSERT INTO part VALUES({id}, {a}, 'p') ON DUPLICATE KEY UPDATE v = CONCAT(v, '+')"
        ),
        44 => format!("UPDATE part SET k = k + 1 WHERE id = {id}"),
        45 => format!("INSERT INTO made(a, low) VALUES({}, '{letter}')", a * 7 + b),
        46 => format!(
            "UPDATE made SET a = {}, low = '{letter}' WHERE id % 5 = {b}",
            a * 7 + id
        ),
        47 => format!("DELETE FROM made WHERE twice % 4 = {}", a % 4),
        48 => format!("REPLACE INTO `we``ird; [name] \"é\"` VALUES({a}, '{letter}', 'S{b}')"),
        49 => format!(
            "UPDATE `we``ird; [name] \"é\"` SET `select` = CONCAT('{letter}', `a b`) WHERE `a b` = {a}"
        ),
        50 => [
            "TRUNCATE TABLE grandchild",
            "TRUNCATE bare",
            "TRUNCATE TABLE `types`",
            "TRUNCATE log",
            "TRUNCATE loose",
            "CALL move_on()",
        ][a]
            .into(),
        51 => format!(
            "BEGIN; SAVEPOINT s; DELETE FROM bare; DELETE FROM plain; ROLLBACK TO s; INSERT IGNORE INTO plain(a, b) VALUES('a{a}', {b}); {}",
            end(dice)
        ),
        52 => format!(
            "BEGIN; INSERT INTO child(plain, x) VALUES(NULL, {a} + 30); DELETE FROM child WHERE x = {a} + 30; UPDATE made SET low = '{letter}'; {}",
            end(dice)
        ),
        53 => format!(
            "BEGIN; INSERT INTO grandchild(tag) VALUES('t'); DELETE FROM plain WHERE id = {id}; REPLACE INTO plain VALUES({id}, 'r{a}', {b} + 50, NULL); {}",
            end(dice)
        ),
        54 => format!(
            "SET foreign_key_checks = 0; DELETE FROM one WHERE id = {id}; DELETE FROM plain WHERE id = {id} AND NOT EXISTS (SELECT * FROM child WHERE plain = {id}); SET foreign_key_checks = 1"
        ),
        55 => format!("REPLACE INTO twin VALUES({a}, {b})"),
        56 => format!(
            "UPDATE TWIN SET b = b + 1 WHERE a = {a}; INSERT IGNORE INTO TWIN VALUES({a}, {b})"
        ),
        _ => format!("DELETE FROM log LIMIT {a}"),
    }
}

fn types(dice: &mut Dice) -> String {
    let mut any = |of: &[&'static str]| *dice.pick(of);
    let values = [
        any(&["-128", "127", "NULL"]),
        any(&["65535", "0"]),
        any(&["-8388608", "8388607", "-1"]),
        any(&["TRUE", "FALSE", "NULL"]),
        any(&["0.1", "-3.4e38", "1.5", "NULL"]),
        any(&["1e300", "-0e0", "0.1", "2.2250738585072014e-308"]),
        any(&["3.14", "-99999.99", "NULL"]),
        any(&["1.5", "999999.999", "0"]),
        any(&[
            "-12345678901234567890.0123456789",
            "0",
            "0.5",
            "99999999999999999999.9999999999",
            "NULL",
        ]),
        any(&["18446744073709551615", "0", "9223372036854775808"]),
        any(&["x'00ff'", "''", "REPEAT(x'ff', 300)", "NULL"]),
        any(&["x'00'", "x'0102030000'", "REPEAT(x'00', 16)", "NULL"]),
        any(&["b'1111101000000'", "b'0'", "NULL"]),
        any(&["'a'", "'it''s'", "'c,d'", "NULL"]),
        any(&["'x,z'", "''", "'x,y,z'", "NULL"]),
        any(&["'2024-02-29'", "'0001-01-01'", "'9999-12-31'", "NULL"]),
        any(&["'2024-06-01 10:00:00.123456'", "'1000-01-01'", "NULL"]),
        any(&[
            "'2024-06-01 10:00:00.123'",
            "'2038-01-19 03:14:07.999'",
            "'1971-01-01 00:00:01'",
            "NULL",
        ]),
        any(&[
            "'-838:59:59'",
            "'12:00:00.5'",
            "'-00:00:00.01'",
            "'-01:30:00'",
            "NULL",
        ]),
        any(&["2024", "1901", "0", "NULL"]),
        any(&["REPEAT('é', 400)", "''", "NULL", "REPEAT('x', 70000)"]),
        any(&["x'00'", "NULL", "REPEAT('t', 255)"]),
        any(&["REPEAT(x'01', 70000)", "NULL", "''"]),
        any(&["'{\"a\": [1, null]}'", "'1'", "NULL"]),
        any(&["'naïve €'", "''", "NULL"]),
        any(&["'日本 '", "'😀'", "'', NULL"])
            .split(',')
            .next()
            .unwrap_or("''"),
        any(&["REPEAT('ü', 200)", "'trailing  '", "''", "NULL"]),
        any(&[
            "'123e4567-e89b-12d3-a456-426614174000'",
            "'00000000-0000-7000-8000-000000000000'",
            "UUID()",
            "NULL",
        ]),
        any(&["'::1'", "'2001:db8::ff00:42:8329'", "NULL"]),
        any(&["POINT(1, 2)", "NULL", "POINT(-0.5, 1e300)"]),
    ];
    format!(
        "INSERT INTO types(t1, s2, m3, flag, f, g, f72, filled, d, big, b, fixed, bits, e, s, day, moment, stamp, lasts, y, long_text, tiny, medium, doc, latin, wide, padded, u, six, spot) VALUES({})",
        values.join(", ")
    )
}

fn end(dice: &mut Dice) -> &'static str {
    ["COMMIT", "COMMIT", "ROLLBACK"][dice.below(3)]
}

/// What statements are refused for: a key that is there already or a parent that is not, a value out of range, and the check.
pub(crate) const REFUSALS: &[&str] = &[
    "1062", "1451", "1452", "1048", "1264", "1690", "1406", "4025", "1761", "3819", "1365", "1292",
];

/// The application and an independent observer of its database.
pub(crate) struct Hostile {
    pub(crate) app: App,
    pub(crate) looker: Looker,
    /// Statements that succeeded.
    pub(crate) applied: usize,
}

impl Hostile {
    /// Makes the schema and leaves the application running.
    pub(crate) async fn start(url: &str) -> Self {
        let mut app = App::start(url);
        let looker = Looker::open(url).await;
        for sql in SCHEMA {
            app.run(&looker.dialect.sql(sql));
        }
        Self {
            app,
            looker,
            applied: 0,
        }
    }
}

impl Workload for Hostile {
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
        let sql = statement(dice);
        // Many are refused by a constraint: that is a change undone by the application itself.
        let outcome = self.app.attempt(dice.below(super::CONNECTIONS), &sql);
        self.applied += usize::from(outcome.is_ok());
        if let Err(error) = outcome {
            let known = REFUSALS
                .iter()
                .any(|number| error.contains(&format!("ERROR {number} ")));
            assert!(known, "{sql}: {error}");
        }
        Box::pin(std::future::ready(()))
    }

    fn contents(&mut self) -> BoxFuture<'_, Contents> {
        Box::pin(self.looker.contents())
    }

    fn dump(&mut self) -> BoxFuture<'_, String> {
        Box::pin(self.looker.dump())
    }
}
