use super::definitions::Definitions;
use super::link::Link;
use super::schema::{Plan, bytes, is, literal, quoted};
use super::stop::Stop;
use crate::database::exclusive::this_run;

/// How all names of ours begin.
const OURS: &str = "_venomqa_";
/// A table in the explored database itself, by which it is known for the one that a run was on: who makes the database anew does not make
/// this.
pub(super) const MARKER: &str = "_venomqa_run";
/// The longest name that a server takes.
const LONGEST: usize = 64;

/// The database of ours beside the one that is explored: who explores it, and what leads back to its root.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) database: String,
}

impl Side {
    pub(super) fn of(database: &str) -> Self {
        let database = format!("{OURS}{database}");
        if database.chars().count() <= LONGEST {
            return Self { database };
        }
        // FNV-1a, for a part of the name that differs where its end would.
        let hash = database
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let start: String = database.chars().take(LONGEST - 17).collect();
        Self {
            database: format!("{start}_{hash:016x}"),
        }
    }

    /// A table of ours as a statement names it.
    pub(super) fn table(&self, name: &str) -> String {
        format!("{}.{}", quoted(&self.database), quoted(name))
    }

    /// The copy of a table of the root.
    pub(super) fn copy(&self, number: usize) -> String {
        self.table(&format!("root_{number}"))
    }

    pub(super) async fn exists(&self, link: &mut Link) -> Result<bool, Stop> {
        let sql = format!(
            "SELECT 1 FROM information_schema.schemata WHERE {}",
            is("schema_name", &self.database)
        );
        Ok(link.first::<u8>(&sql).await?.is_some())
    }

    /// Makes it, with the name of who explores.
    pub(super) async fn create(&self, link: &mut Link) -> Result<(), Stop> {
        let holder = self.table("holder");
        link.run(&format!(
            "CREATE DATABASE {} CHARACTER SET utf8mb4; \
             CREATE TABLE {holder}(name TEXT) ENGINE = InnoDB; \
             INSERT INTO {holder} VALUES ({})",
            quoted(&self.database),
            literal(&this_run())
        ))
        .await
    }

    /// Who explores, as it wrote it down.
    pub(super) async fn holder(&self, link: &mut Link) -> Option<String> {
        let sql = format!("SELECT name FROM {}", self.table("holder"));
        // It may just be coming or going.
        link.first(&sql).await.ok().flatten()
    }

    /// Makes room for the root: empty copies of all tables, and the record of the run.
    pub(super) async fn prepare(
        &self,
        link: &mut Link,
        plan: &Plan,
        definitions: &Definitions,
    ) -> Result<(), Stop> {
        let marker = format!("{}.{}", quoted(&plan.database), quoted(MARKER));
        let mut sql = format!(
            "CREATE TABLE {0}(id TEXT) ENGINE = InnoDB; INSERT INTO {0} VALUES (UUID()); \
             CREATE TABLE {marker}(id TEXT) ENGINE = InnoDB; INSERT INTO {marker} SELECT id FROM {0}; \
             CREATE TABLE {1}(number INT, name TEXT, counter BIGINT UNSIGNED) ENGINE = InnoDB; \
             CREATE TABLE {2}(number INT PRIMARY KEY, kind TEXT, name TEXT, statement LONGBLOB, settings TEXT, collation TEXT, place BIGINT UNSIGNED) ENGINE = InnoDB",
            self.table("run"),
            self.table("tables"),
            self.table("definitions"),
        );
        for number in plan.all() {
            let (copy, original) = (self.copy(number), plan.qualified(number));
            sql.push_str(&format!("; CREATE TABLE {copy} LIKE {original}"));
        }
        for (number, definition) in definitions.iter().enumerate() {
            sql.push_str(&format!(
                "; INSERT INTO {} VALUES ({number}, {}, {}, {}, {}, {}, {})",
                self.table("definitions"),
                literal(definition.kind.name()),
                literal(&definition.name),
                bytes(&definition.statement),
                literal(&definition.settings),
                literal(&definition.collation),
                definition.place
            ));
        }
        link.run(&sql).await
    }

    /// All tables that [`fill`](Self::fill) writes, for a lock.
    pub(super) fn filled(&self, plan: &Plan) -> Vec<String> {
        let copies = plan.all().map(|number| self.copy(number));
        copies.chain([self.table("tables")]).collect()
    }

    /// Copies the root, which must not change meanwhile.
    pub(super) async fn fill(&self, link: &mut Link, plan: &Plan) -> Result<(), Stop> {
        // Into empty tables, where a server that knows how to may add many rows at a time.
        link.run("SET unique_checks = 0").await?;
        for number in plan.all() {
            let (copy, original) = (self.copy(number), plan.qualified(number));
            let columns = plan.tables[number].columns.iter();
            let stored = columns.filter(|column| !column.generated);
            let columns: Vec<_> = stored.map(|column| quoted(&column.name)).collect();
            let columns = columns.join(", ");
            link.run(&format!(
                "INSERT INTO {copy} ({columns}) SELECT {columns} FROM {original}"
            ))
            .await?;
        }
        link.run("SET unique_checks = 1").await
    }

    /// Whether the server does not let this account make a trigger. Its rules for that are many: this just asks.
    pub(super) async fn distrusts(&self, link: &mut Link) -> bool {
        let trigger = self.table("asks");
        let holder = self.table("holder");
        let asked = link
            .run(&format!(
                "CREATE TRIGGER {trigger} BEFORE INSERT ON {holder} FOR EACH ROW SET @_venomqa = 1; DROP TRIGGER {trigger}"
            ))
            .await;
        asked.is_err_and(|stop| stop.is_untrusted())
    }

    /// Removes everything of ours from the server.
    pub(super) async fn drop(&self, link: &mut Link, database: &str) -> Result<(), Stop> {
        link.run(&format!(
            "DROP TABLE IF EXISTS {}.{}; DROP DATABASE IF EXISTS {}",
            quoted(database),
            quoted(MARKER),
            quoted(&self.database)
        ))
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stay_different() {
        assert_eq!(Side::of("shop").database, "_venomqa_shop");
        let (one, other) = ("x".repeat(60) + "1", "x".repeat(60) + "2");
        let (one, other) = (Side::of(&one).database, Side::of(&other).database);
        assert_eq!((one.len(), other.len()), (64, 64));
        assert_ne!(one, other);
    }
}
