use super::definition::{Definition, What};
use super::install::MARKER;
use super::link::Link;
use super::schema::{is, quoted};
use super::stop::Stop;

/// What a database consists of besides rows, as the statements that would make it again.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions(Vec<Definition>);

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What rows need.
    Tables,
    All,
}

impl Part {
    fn has(self, kind: What) -> bool {
        self == Self::All || matches!(kind, What::Database | What::Table)
    }

    /// A view may have the name of a table.
    fn is_in_the_way_of(self, kind: What) -> bool {
        kind != What::Database && (self.has(kind) || kind == What::View)
    }
}

impl Definitions {
    /// Reads those of a database, except of the tables left out.
    pub(super) async fn read(
        link: &mut Link,
        database: &str,
        leaves_out: impl Fn(&str) -> bool + Send,
    ) -> Result<Self, Stop> {
        let mut definitions: Vec<_> = read_database(link, database).await?.into_iter().collect();
        let [tables, views, routines, triggers, events] = [
            "table_schema",
            "table_schema",
            "routine_schema",
            "trigger_schema",
            "event_schema",
        ]
        .map(|column| is(column, database));
        let sql = format!(
            "SELECT 'TABLE', table_name, 0 FROM information_schema.tables WHERE {tables} AND table_type <> 'VIEW' \
             UNION ALL SELECT 'VIEW', table_name, 0 FROM information_schema.views WHERE {views} \
             UNION ALL SELECT routine_type, routine_name, 0 FROM information_schema.routines WHERE {routines} \
             UNION ALL SELECT 'TRIGGER', trigger_name, action_order FROM information_schema.triggers WHERE {triggers} \
             UNION ALL SELECT 'EVENT', event_name, 0 FROM information_schema.events WHERE {events} ORDER BY 1, 2"
        );
        let names: Vec<(String, String, u64)> = link.rows(&sql).await?;
        let named = names.into_iter().filter_map(|(kind, name, place)| {
            let kind = What::named(&kind)?;
            let is_left_out = kind == What::Table && (name == MARKER || leaves_out(&name));
            (!is_left_out).then_some((kind, name, place))
        });
        let named: Vec<_> = named.collect();
        let show = |(kind, name, _): &(What, String, u64)| {
            format!(
                "SHOW CREATE {} {}.{}",
                kind.name(),
                quoted(database),
                quoted(name)
            )
        };
        let shown: Vec<_> = named.iter().map(show).collect();
        if !shown.is_empty() {
            let sets = link.sets(&shown.join("; ")).await;
            let sets = sets.map_err(|stop| match stop.is_undefined() {
                // Somebody changes the schema, such as the server for a client that is gone.
                true => Stop::Again,
                false => stop,
            })?;
            let shown = named.into_iter().zip(sets);
            definitions.extend(shown.map(|((kind, name, place), mut set)| {
                Definition::shown(kind, name, place, set.pop())
            }));
        }
        Ok(Self(definitions))
    }

    /// Those that a run wrote down.
    pub(super) async fn recorded(link: &mut Link, table: &str) -> Result<Self, Stop> {
        let sql = format!(
            "SELECT kind, name, statement, settings, collation, place FROM {table} ORDER BY number"
        );
        type Recorded = (String, String, Vec<u8>, String, String, u64);
        let rows: Vec<Recorded> = link.rows(&sql).await?;
        let definitions =
            rows.into_iter()
                .filter_map(|(kind, name, statement, settings, collation, place)| {
                    Some(Definition {
                        kind: What::named(&kind)?,
                        name,
                        statement,
                        settings,
                        collation,
                        place,
                    })
                });
        Ok(Self(definitions.collect()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.0.iter()
    }

    /// Those that this account may not read, by what they are called.
    pub(super) fn unreadable(&self) -> Vec<String> {
        let unreadable = self.iter().filter(|it| it.statement.is_empty());
        unreadable.map(Definition::called).collect()
    }

    /// Whether there is any with which a server that writes a binary log does not trust everybody.
    pub(super) fn has_code(&self) -> bool {
        self.iter()
            .any(|it| matches!(it.kind, What::Trigger | What::Function))
    }

    /// The first that is not the same in both, by what it is called.
    pub(super) fn difference(&self, other: &Self, part: Part) -> Option<String> {
        let missing = |from: &Self, to: &Self| {
            let missing = from.missing_in(to, part).next();
            missing.map(Definition::called)
        };
        missing(self, other).or_else(|| missing(other, self))
    }

    /// Those that another one does not have, or not so.
    fn missing_in<'a>(
        &'a self,
        other: &'a Self,
        part: Part,
    ) -> impl Iterator<Item = &'a Definition> {
        self.iter().filter(move |ours| {
            part.has(ours.kind) && !other.iter().any(|theirs| ours.is_same(theirs))
        })
    }

    /// Makes a database consist of these again. Tables that were changed are made anew, without rows.
    ///
    /// Returns what the server does not make as it was.
    pub(super) async fn put_back(
        &self,
        link: &mut Link,
        database: &str,
        leaves_out: impl Fn(&str) -> bool + Send + Copy,
        part: Part,
    ) -> Result<Vec<String>, Stop> {
        let database_here = quoted(database);
        link.run(&format!("USE {database_here}")).await?;
        // A view may stand on another one: each round makes those that can be made.
        let mut left = usize::MAX;
        let mut failed = Ok(());
        loop {
            let found = Self::read(link, database, leaves_out).await?;
            let wrong = found.missing_in(self, Part::All);
            for definition in wrong.filter(|wrong| part.is_in_the_way_of(wrong.kind)) {
                let (kind, name) = (definition.kind.name(), quoted(&definition.name));
                // Triggers go with their table.
                link.run(&format!("DROP {kind} IF EXISTS {database_here}.{name}"))
                    .await?;
            }
            let mut missing: Vec<_> = self.missing_in(&found, part).collect();
            if missing.is_empty() {
                return Ok(Vec::new());
            }
            if missing.len() >= left {
                failed?;
                return Ok(missing.into_iter().map(Definition::called).collect());
            }
            left = missing.len();
            failed = Ok(());
            missing.sort_by_key(|definition| (definition.kind, definition.place));
            for definition in missing {
                match self.make(definition, link, &database_here).await {
                    // Whoever is in the way is gone at the next attempt; what comes later must not be made before.
                    Err(stop) if stop.is_passing() => return Err(stop),
                    made => failed = failed.and(made),
                }
            }
        }
    }

    /// Makes one of these, in a database that is set to what it was set to then.
    async fn make(
        &self,
        definition: &Definition,
        link: &mut Link,
        database_here: &str,
    ) -> Result<(), Stop> {
        let now = self.iter().find(|it| it.kind == What::Database);
        let then = &*definition.collation;
        let Some(now) = now.filter(|now| !then.is_empty() && then != now.collation) else {
            return definition.make(link).await;
        };
        link.run(&format!("ALTER DATABASE {database_here} COLLATE {then}"))
            .await?;
        let made = definition.make(link).await;
        made.and(now.make(link).await)
    }
}

/// What a database gives tables that say nothing themselves.
async fn read_database(link: &mut Link, database: &str) -> Result<Option<Definition>, Stop> {
    let sql = format!(
        "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE {}",
        is("schema_name", database)
    );
    let row: Option<(String, String)> = link.first(&sql).await?;
    Ok(row.map(|(charset, collation)| {
        let statement = format!(
            "ALTER DATABASE {} CHARACTER SET {charset} COLLATE {collation}",
            quoted(database)
        );
        Definition {
            kind: What::Database,
            name: database.into(),
            statement: statement.into_bytes(),
            settings: "sql_mode = ''".into(),
            collation,
            place: 0,
        }
    }))
}
