use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row as _};

use super::location::{Location, quoted};
use super::options::PostgresOptions;
use super::stop::Stop;
use super::value::{Kind, cells};
use crate::database::told::{Told, expect_tables};
use crate::{Error, Row, Table};

/// The schema in which everything of ours lies.
pub(super) const OURS: &str = "_venomqa";

/// The tables and sequences of a database that are followed.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) tables: Vec<TablePlan>,
    pub(super) sequences: Vec<SequencePlan>,
    /// The tables that the user does not want followed and that are there, by the names that are told.
    pub(super) ignored: Vec<String>,
}

/// A table as a whole: with all its partitions, if it has some.
#[derive(Debug)]
pub(super) struct TablePlan {
    pub(super) oid: i64,
    pub(super) table: Arc<Table>,
    /// The name in full, as an identifier.
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) key: Vec<KeyColumn>,
    /// The partitions at any depth.
    pub(super) parts: Vec<Part>,
    pub(super) partitioned: bool,
    pub(super) unlogged: bool,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) generated: bool,
}

/// A column by which a row is found.
#[derive(Debug)]
pub(super) struct KeyColumn {
    pub(super) name: String,
    /// The operator of its index for equality, with its schema.
    pub(super) equals: String,
}

/// A partition.
#[derive(Debug)]
pub(super) struct Part {
    /// The name in full, as an identifier.
    pub(super) name: String,
    pub(super) partitioned: bool,
    /// Whether its columns lie in another order than those of the whole table.
    pub(super) reordered: bool,
}

/// A sequence.
#[derive(Debug)]
pub(super) struct SequencePlan {
    pub(super) oid: i64,
    /// The name in full, as an identifier.
    pub(super) name: String,
    /// How many numbers a connection takes at a time.
    pub(super) cache: i64,
}

/// A table or partition, as the catalog has it.
struct Relation {
    oid: i64,
    schema: String,
    name: String,
    partitioned: bool,
    unlogged: bool,
    /// The table of which it is a part, or itself.
    whole: i64,
}

impl FromRow<'_, PgRow> for Relation {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            oid: row.try_get("oid")?,
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            partitioned: row.try_get("partitioned")?,
            unlogged: row.try_get("unlogged")?,
            whole: row.try_get("whole")?,
        })
    }
}

impl Plan {
    pub(super) async fn read(
        db: &mut PgConnection,
        options: &PostgresOptions,
    ) -> sqlx::Result<Self> {
        let relations: Vec<Relation> = sqlx::query_as(RELATIONS).fetch_all(&mut *db).await?;
        let mut columns = read_columns(db).await?;
        let mut keys = read_keys(db).await?;
        let names = Names::new(&relations, options.schema.as_deref());

        let mut plan = Self {
            tables: Vec::new(),
            sequences: Vec::new(),
            ignored: Vec::new(),
        };
        let mut ignored = Vec::new();
        let (wholes, parts): (Vec<_>, Vec<_>) = relations
            .into_iter()
            .partition(|relation| relation.oid == relation.whole);
        for whole in wholes {
            if options
                .schema
                .as_ref()
                .is_some_and(|schema| *schema != whole.schema)
            {
                ignored.push(whole.oid);
                continue;
            }
            let told = names.told(&whole.schema, &whole.name);
            if options.ignored_tables.contains(&told) {
                ignored.push(whole.oid);
                plan.ignored.push(told);
                continue;
            }
            let of_whole = columns.remove(&whole.oid).unwrap_or_default();
            let order = |columns: &[Column]| {
                columns
                    .iter()
                    .map(|column| column.name.clone())
                    .collect::<Vec<_>>()
            };
            let parts = parts
                .iter()
                .filter(|part| part.whole == whole.oid)
                .map(|part| Part {
                    name: in_full(&part.schema, &part.name),
                    partitioned: part.partitioned,
                    reordered: columns
                        .get(&part.oid)
                        .is_some_and(|columns| order(columns) != order(&of_whole)),
                });
            let parts = parts.collect();
            let key = keys.remove(&whole.oid).unwrap_or_default();
            plan.tables
                .push(TablePlan::new(whole, told, of_whole, key, parts));
        }

        plan.ignored.sort_unstable();

        let sequences: Vec<(i64, String, String, i64, Option<i64>)> =
            sqlx::query_as(SEQUENCES).fetch_all(db).await?;
        for (oid, schema, name, cache, owner) in sequences {
            let followed = match owner {
                Some(owner) => !ignored.contains(&owner),
                None => options.schema.as_ref().is_none_or(|only| *only == schema),
            };
            if followed {
                let name = in_full(&schema, &name);
                plan.sequences.push(SequencePlan { oid, name, cache });
            }
        }
        Ok(plan)
    }
}

impl Plan {
    /// Refuses options that name what there is not, and so say something else than they seem to.
    pub(super) async fn check(
        &self,
        db: &mut PgConnection,
        location: &Location,
        told: &Told,
    ) -> Result<(), Stop> {
        let Location { name, options, .. } = location;
        let schemas: Vec<String> = sqlx::query_scalar(SCHEMAS).fetch_all(db).await?;
        if let Some(only) = &options.schema
            && !schemas.contains(only)
        {
            return Err(Stop::Failed(Error::Refused {
                system: name.clone(),
                why: format!("only the schema `{only}` is to be followed, but there is none"),
                remedy: format!("there are {}", schemas.join(", ")),
            }));
        }
        let tables = self.tables.iter().map(|table| &table.table);
        let ignored = self.ignored.iter().map(String::as_str);
        let there = tables
            .clone()
            .map(|table| table.name.as_str())
            .chain(ignored);
        expect_tables(name, &options.ignored_tables, there.collect(), str::eq)?;
        told.check(name, tables)?;
        Ok(())
    }
}

impl TablePlan {
    fn new(
        whole: Relation,
        told: String,
        columns: Vec<Column>,
        key: Vec<KeyColumn>,
        parts: Vec<Part>,
    ) -> Self {
        let names: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
        let position = |key: &KeyColumn| names.iter().position(|name| *name == key.name);
        let key_positions = key.iter().filter_map(position).collect();
        Self {
            oid: whole.oid,
            name: in_full(&whole.schema, &whole.name),
            table: Arc::new(Table {
                name: told,
                columns: names,
                key: key_positions,
            }),
            columns,
            key,
            parts,
            partitioned: whole.partitioned,
            unlogged: whole.unlogged,
        }
    }

    /// The row that a text shows.
    pub(super) fn row(&self, image: &str) -> Row {
        let cells = cells(image);
        let cells = self.columns.iter().zip(&cells);
        cells
            .map(|(column, cell)| column.kind.value(cell.as_deref()))
            .collect()
    }
}

/// How tables are called: without their schema where it goes without saying.
struct Names {
    home: Option<String>,
}

impl Names {
    fn new(relations: &[Relation], only: Option<&str>) -> Self {
        let has = |schema: &str| relations.iter().any(|relation| relation.schema == schema);
        let home = match only {
            Some(only) => Some(only.to_owned()),
            None if has("public") => Some("public".to_owned()),
            None => relations.first().map(|relation| relation.schema.clone()),
        };
        Self { home }
    }

    fn told(&self, schema: &str, name: &str) -> String {
        // In quotes where a point or a quote could be taken for more than a part of the name.
        let plain = |name: &str| match name.contains(['.', '"']) {
            true => quoted(name),
            false => name.to_owned(),
        };
        match self.home.as_deref() == Some(schema) {
            true => plain(name),
            false => format!("{}.{}", plain(schema), plain(name)),
        }
    }
}

/// A name with its schema, as an identifier.
fn in_full(schema: &str, name: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(name))
}

async fn read_columns(db: &mut PgConnection) -> sqlx::Result<HashMap<i64, Vec<Column>>> {
    let found: Vec<(i64, String, i64, bool)> = sqlx::query_as(COLUMNS).fetch_all(db).await?;
    let mut columns = HashMap::<_, Vec<_>>::new();
    for (table, name, kind, generated) in found {
        let kind = Kind::of_type(kind.try_into().unwrap_or(0));
        columns.entry(table).or_default().push(Column {
            name,
            kind,
            generated,
        });
    }
    Ok(columns)
}

async fn read_keys(db: &mut PgConnection) -> sqlx::Result<HashMap<i64, Vec<KeyColumn>>> {
    let found: Vec<(i64, i64, String, String)> = sqlx::query_as(KEYS).fetch_all(db).await?;
    let mut indexes = BTreeMap::<_, Vec<_>>::new();
    for (table, rank, name, equals) in found {
        indexes
            .entry((table, rank))
            .or_default()
            .push(KeyColumn { name, equals });
    }
    let mut keys = HashMap::new();
    for ((table, _), key) in indexes {
        keys.entry(table).or_insert(key);
    }
    Ok(keys)
}

/// The schemas of users.
const SCHEMAS: &str = "
    SELECT nspname::text FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', '_venomqa') ORDER BY 1";

/// Tables and partitions, but not those of the server itself, of its extensions, of ours, and of single sessions.
const RELATIONS: &str = "
    SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind = 'p' AS partitioned,
        c.relpersistence = 'u' AS unlogged, coalesce(pg_partition_root(c.oid)::oid, c.oid)::bigint AS whole
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
        AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', '_venomqa')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname";

/// The columns of all tables, with what is below their domains.
const COLUMNS: &str = "
    WITH RECURSIVE below AS (
        SELECT oid AS type, oid AS base, typbasetype FROM pg_type
        UNION ALL
        SELECT below.type, t.oid, t.typbasetype FROM below JOIN pg_type t ON t.oid = below.typbasetype
    )
    SELECT a.attrelid::bigint, a.attname::text, below.base::bigint, a.attgenerated <> ''
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN below ON below.type = a.atttypid AND below.typbasetype = 0
    WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum";

/// The columns of all indexes that tell every row apart, primary keys first, with the operator by which each index finds a value.
const KEYS: &str = "
    SELECT i.indrelid::bigint, row_number() OVER (PARTITION BY i.indrelid, k.place ORDER BY NOT i.indisprimary, i.indexrelid),
        a.attname::text, format('OPERATOR(%I.%s)', n.nspname, o.oprname)
    FROM pg_index i
        CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[]) WITH ORDINALITY AS k (attnum, class, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        JOIN pg_opclass c ON c.oid = k.class
        JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amopstrategy = 3 AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype
        JOIN pg_operator o ON o.oid = m.amopopr
        JOIN pg_namespace n ON n.oid = o.oprnamespace
    WHERE i.indrelid >= 16384 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
        AND NOT EXISTS (
            SELECT FROM pg_attribute nullable
            WHERE nullable.attrelid = i.indrelid AND nullable.attnum = ANY (i.indkey) AND NOT nullable.attnotnull
        )
    ORDER BY i.indrelid, 2, k.place";

/// Sequences, and the table that each belongs to.
const SEQUENCES: &str = "
    SELECT s.seqrelid::bigint, n.nspname::text, c.relname::text, s.seqcache, owner.refobjid::bigint
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_depend owner ON owner.classid = 'pg_class'::regclass AND owner.objid = s.seqrelid
            AND owner.refclassid = 'pg_class'::regclass AND owner.deptype IN ('a', 'i')
    WHERE c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', '_venomqa')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname";
