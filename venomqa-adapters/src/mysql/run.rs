use super::base::NOTHING;
use super::counters::Counters;
use super::install::{MARKER, Side};
use super::link::Link;
use super::options::Ignored;
use super::schema::{Plan, is, literal, quoted};
use super::stop::Stop;

/// How far a run got, as the server keeps it until the run ends: what a run after a crash goes by.
///
/// It is told by a table that is there or not, because a server writes such a change to the disk at once and with it all that was committed
/// before, whatever it is set to do with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The contents may differ from the root.
    Running,
    /// They do not: the run has not begun yet, or is done.
    AtRoot,
    /// The database is another one that was made under its name since.
    MadeAnew,
    /// Somebody removed what tells.
    Lost,
}

impl Stage {
    /// From now on the contents may differ from the root.
    pub(super) async fn running(link: &mut Link, side: &Side) -> Result<(), Stop> {
        let table = side.table("running");
        link.run(&format!("CREATE TABLE IF NOT EXISTS {table}(nothing INT)"))
            .await
    }

    /// From now on they do not.
    pub(super) async fn at_root(link: &mut Link, side: &Side) -> Result<(), Stop> {
        let table = side.table("running");
        link.run(&format!("DROP TABLE IF EXISTS {table}")).await
    }

    /// The stage of a run on this database that did not end.
    pub(super) async fn read(link: &mut Link, side: &Side, database: &str) -> Result<Self, Stop> {
        let sql = format!(
            "SELECT table_name FROM information_schema.tables WHERE {}",
            is("table_schema", &side.database)
        );
        let tables: Vec<String> = link.rows(&sql).await?;
        let has = |name: &str| tables.iter().any(|table| table == name);
        let recorded = has("run");
        if !has("running") {
            let copies = tables.iter().any(|table| table.starts_with("root"));
            return Ok(if copies && !recorded {
                Self::Lost
            } else {
                Self::AtRoot
            });
        }
        let marker = format!("{}.{}", quoted(database), quoted(MARKER));
        let marked = match link
            .first::<String>(&format!("SELECT id FROM {marker}"))
            .await
        {
            Err(stop) if stop.is_missing() => return Ok(Self::MadeAnew),
            marked => marked?,
        };
        if !recorded {
            return Ok(Self::Lost);
        }
        let run: Option<String> = link
            .first(&format!("SELECT id FROM {}", side.table("run")))
            .await?;
        Ok(if run == marked {
            Self::Running
        } else {
            Self::MadeAnew
        })
    }
}

/// Writes down the tables of the root, their counters and what is ignored.
pub(super) async fn write(
    link: &mut Link,
    side: &Side,
    plan: &Plan,
    ignored: &Ignored,
    counters: &Counters,
) -> Result<(), Stop> {
    let numbered = plan.tables.iter().enumerate().map(|(number, table)| {
        let counter = counters.get(&table.name);
        let counter = counter.map_or("NULL".into(), u64::to_string);
        format!("({number}, {}, {counter})", literal(&table.name))
    });
    let ignored = ignored
        .tables
        .iter()
        .map(|name| format!("(NULL, {}, NULL)", literal(name)));
    let tables = side.table("tables");
    let rows = numbered
        .chain(ignored)
        .map(|row| format!("INSERT INTO {tables} VALUES {row}; "));
    let rows: String = rows.collect();
    link.run(&(rows + NOTHING)).await
}

/// What [`write()`] wrote.
pub(super) struct Recorded {
    /// The tables of the root, by number.
    pub(super) names: Vec<String>,
    pub(super) counters: Counters,
    pub(super) ignored: Ignored,
}

pub(super) async fn tables(link: &mut Link, side: &Side) -> Result<Recorded, Stop> {
    let sql = format!(
        "SELECT number, name, counter FROM {} ORDER BY number",
        side.table("tables")
    );
    let mut recorded = Recorded {
        names: Vec::new(),
        counters: Counters::new(),
        ignored: Ignored::default(),
    };
    for (number, name, counter) in link
        .rows::<(Option<u32>, String, Option<u64>)>(&sql)
        .await?
    {
        if number.is_none() {
            recorded.ignored.tables.insert(name);
            continue;
        }
        if let Some(counter) = counter {
            recorded.counters.insert(name.clone(), counter);
        }
        recorded.names.push(name);
    }
    Ok(recorded)
}
