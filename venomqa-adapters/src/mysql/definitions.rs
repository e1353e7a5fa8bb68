use super::install::MARKER;
use super::link::Link;
use super::schema::{is, literal, quoted};
use super::stop::Stop;

/// What a database consists of besides rows, as the statements that would make it again.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions(Vec<Definition>);

/// One table, view, trigger, routine or event.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) kind: What,
    pub(super) name: String,
    pub(super) statement: String,
    /// The `sql_mode` in which it was made.
    pub(super) mode: String,
}

/// In the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Table,
    Function,
    Procedure,
    View,
    Trigger,
    Event,
}

const ALL: [What; 6] = [
    What::Table,
    What::Function,
    What::Procedure,
    What::View,
    What::Trigger,
    What::Event,
];

impl What {
    /// As a statement names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Table => "TABLE",
            Self::Function => "FUNCTION",
            Self::Procedure => "PROCEDURE",
            Self::View => "VIEW",
            Self::Trigger => "TRIGGER",
            Self::Event => "EVENT",
        }
    }

    /// The columns in which `SHOW CREATE` has the statement and the mode.
    fn columns(self) -> (usize, Option<usize>) {
        match self {
            Self::Table | Self::View => (1, None),
            Self::Function | Self::Procedure | Self::Trigger => (2, Some(1)),
            Self::Event => (3, Some(1)),
        }
    }
}

impl Definitions {
    /// Reads those of a database, except of the tables left out.
    pub(super) async fn read(
        link: &mut Link,
        database: &str,
        leaves_out: impl Fn(&str) -> bool + Send,
    ) -> Result<Self, Stop> {
        let [tables, views, routines, triggers, events] = [
            "table_schema",
            "table_schema",
            "routine_schema",
            "trigger_schema",
            "event_schema",
        ]
        .map(|column| is(column, database));
        let sql = format!(
            "SELECT 'TABLE', table_name FROM information_schema.tables WHERE {tables} AND table_type <> 'VIEW' \
             UNION ALL SELECT 'VIEW', table_name FROM information_schema.views WHERE {views} \
             UNION ALL SELECT routine_type, routine_name FROM information_schema.routines WHERE {routines} \
             UNION ALL SELECT 'TRIGGER', trigger_name FROM information_schema.triggers WHERE {triggers} \
             UNION ALL SELECT 'EVENT', event_name FROM information_schema.events WHERE {events} ORDER BY 1, 2"
        );
        let names: Vec<(String, String)> = link.rows(&sql).await?;
        let named = names.into_iter().filter_map(|(kind, name)| {
            let kind = ALL.into_iter().find(|known| known.name() == kind)?;
            let is_left_out = kind == What::Table && (name == MARKER || leaves_out(&name));
            (!is_left_out).then_some((kind, name))
        });
        let named: Vec<_> = named.collect();
        if named.is_empty() {
            return Ok(Self::default());
        }
        let show = |(kind, name): &(What, String)| {
            format!(
                "SHOW CREATE {} {}.{}",
                kind.name(),
                quoted(database),
                quoted(name)
            )
        };
        let shown: Vec<_> = named.iter().map(show).collect();
        let sets = link.sets(&shown.join("; ")).await?;
        let definitions = named.into_iter().zip(sets).map(|((kind, name), mut set)| {
            let (statement, mode) = kind.columns();
            let mut row = set.pop();
            let mut take = |column| {
                row.as_mut()
                    .and_then(|row| row.take::<Option<String>, _>(column))
                    .flatten()
            };
            Definition {
                kind,
                name,
                mode: mode.and_then(&mut take).unwrap_or_default(),
                statement: take(statement).unwrap_or_default(),
            }
        });
        Ok(Self(definitions.collect()))
    }

    /// Those that a run wrote down.
    pub(super) async fn recorded(link: &mut Link, table: &str) -> Result<Self, Stop> {
        let sql = format!("SELECT kind, name, statement, mode FROM {table} ORDER BY number");
        let rows: Vec<(String, String, String, String)> = link.rows(&sql).await?;
        let definitions = rows
            .into_iter()
            .filter_map(|(kind, name, statement, mode)| {
                Some(Definition {
                    kind: ALL.into_iter().find(|known| known.name() == kind)?,
                    name,
                    statement,
                    mode,
                })
            });
        Ok(Self(definitions.collect()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.0.iter()
    }

    /// The first that is not the same in both, by what it is called.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let missing = |from: &Self, to: &Self| from.missing_in(to).next().map(Definition::called);
        missing(self, other).or_else(|| missing(other, self))
    }

    /// Those that another one does not have, or not so.
    fn missing_in<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Definition> {
        self.iter()
            .filter(|ours| !other.iter().any(|theirs| ours.is_same(theirs)))
    }

    /// Makes a database consist of these again. Tables that were changed are made anew, without rows.
    pub(super) async fn put_back(
        &self,
        link: &mut Link,
        database: &str,
        leaves_out: impl Fn(&str) -> bool + Send + Copy,
    ) -> Result<(), Stop> {
        let database_here = quoted(database);
        link.run(&format!("USE {database_here}")).await?;
        let found = Self::read(link, database, leaves_out).await?;
        for definition in found.missing_in(self) {
            let (kind, name) = (definition.kind.name(), quoted(&definition.name));
            // Triggers go with their table.
            link.run(&format!("DROP {kind} IF EXISTS {database_here}.{name}"))
                .await?;
        }
        // A view may stand on another one: each round makes those that can be made.
        loop {
            let found = Self::read(link, database, leaves_out).await?;
            let mut missing: Vec<_> = self.missing_in(&found).collect();
            if missing.is_empty() {
                return Ok(());
            }
            missing.sort_by_key(|definition| definition.kind);
            let mut made = 0;
            let mut failed = Ok(());
            for definition in missing {
                match definition.make(link).await {
                    Ok(()) => made += 1,
                    Err(stop) => failed = failed.and(Err(stop)),
                }
            }
            if made == 0 {
                return failed;
            }
        }
    }
}

impl Definition {
    fn called(&self) -> String {
        format!("{} {}", self.kind.name().to_lowercase(), quoted(&self.name))
    }

    fn is_same(&self, other: &Self) -> bool {
        let key = |of: &Self| (of.kind, without_counter(&of.statement), of.mode.clone());
        self.name == other.name && key(self) == key(other)
    }

    async fn make(&self, link: &mut Link) -> Result<(), Stop> {
        let mode = literal(&self.mode);
        match self.kind {
            What::Table | What::View => link.run(&self.statement).await,
            _ => {
                link.run(&format!("SET @mode = @@sql_mode, sql_mode = {mode}"))
                    .await?;
                let made = link.run(&self.statement).await;
                link.run("SET sql_mode = @mode").await?;
                made
            }
        }
    }
}

/// A table's statement without the number that it gives next, which changes with every row.
fn without_counter(statement: &str) -> String {
    match statement.split_once(" AUTO_INCREMENT=") {
        None => statement.into(),
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}{after}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_no_part_of_a_table() {
        let statement =
            "CREATE TABLE `t` (`id` int) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4";
        assert_eq!(
            without_counter(statement),
            "CREATE TABLE `t` (`id` int) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        );
        assert_eq!(without_counter("CREATE TABLE `t`"), "CREATE TABLE `t`");
    }
}
