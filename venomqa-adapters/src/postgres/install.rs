use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, raw_sql};

use super::location::{literal, quoted};
use super::look::QUICK;
use super::schema::{KeyColumn, Part, Plan, TablePlan};

/// What does not depend on the tables.
const INSTALL: &str = include_str!("install.sql");

/// Changes of the schema, told by the server itself; only a superuser may ask for that.
const FOLLOW_SCHEMA: &str = include_str!("follow_schema.sql");

/// Changes of the schema, found by comparing.
const COMPARE_SCHEMA: &str = include_str!("compare_schema.sql");

/// Writes into the database what is needed to follow it, in the transaction that is open.
///
/// From then on nobody writes until the transaction ends, because the triggers take locks that writers respect.
pub(super) async fn install(
    db: &mut PgConnection,
    plan: &Plan,
    superuser: bool,
) -> sqlx::Result<()> {
    let quick_look: String = QUICK
        .lines()
        .filter(|line| !line.starts_with("--"))
        .map(|line| line.replace("$1", "seen").replace("$2", "true") + "\n")
        .collect();
    let mut sql = INSTALL
        .replace("{quick_look}", &quick_look)
        .replace("{write_table}", &write_table(plan));
    sql += &positions(plan);
    for (number, table) in plan.tables.iter().enumerate() {
        sql += &follow(number, table);
    }
    sql += "SELECT _venomqa.make_writer(number) FROM _venomqa.tables;\n";
    sql += match superuser {
        true => FOLLOW_SCHEMA,
        false => COMPARE_SCHEMA,
    };
    raw_sql(AssertSqlSafe(sql)).execute(db).await.map(drop)
}

/// Remembers what the sequences hold: at the root, before anybody uses them.
pub(super) async fn remember_sequences(db: &mut PgConnection, plan: &Plan) -> sqlx::Result<()> {
    let oids: Vec<_> = plan.sequences.iter().map(|sequence| sequence.oid).collect();
    sqlx::query(
        "INSERT INTO _venomqa.sequences SELECT one.number, one.oid, one.position, one.called
         FROM _venomqa.positions() now, unnest($1, now.positions, now.called) WITH ORDINALITY AS one (oid, position, called, number)",
    )
    .bind(oids)
    .execute(db)
    .await
    .map(drop)
}

/// Removes everything of ours, triggers and all.
pub(super) async fn uninstall(db: &mut PgConnection) -> sqlx::Result<()> {
    raw_sql("DROP SCHEMA IF EXISTS _venomqa CASCADE")
        .execute(db)
        .await
        .map(drop)
}

/// The function that reads all sequences.
fn positions(plan: &Plan) -> String {
    let each = plan.sequences.iter().enumerate().map(|(number, sequence)| {
        format!(
            "SELECT {number} AS number, last_value, is_called FROM {}",
            sequence.name
        )
    });
    let each: Vec<_> = each.collect();
    let body = match each.as_slice() {
        [] => "positions := '{}'; called := '{}';".into(),
        each => format!(
            "SELECT array_agg(last_value ORDER BY number), array_agg(is_called ORDER BY number) INTO positions, called FROM ({}) sequence;",
            each.join(" UNION ALL ")
        ),
    };
    format!(
        "CREATE FUNCTION _venomqa.positions(OUT positions bigint[], OUT called bool[]) LANGUAGE plpgsql AS {};\n",
        literal(&format!("BEGIN {body} END"))
    )
}

/// The triggers of a table and its partitions.
fn follow(number: usize, table: &TablePlan) -> String {
    let mut sql = format!(
        "INSERT INTO _venomqa.tables SELECT {number}, {oid}, {oid}::oid || ARRAY(SELECT relid::oid FROM pg_partition_tree({oid})),
            {name}, {identifier}, _venomqa.shape({oid}), {writer};\n",
        oid = table.oid,
        name = literal(&table.table.name),
        identifier = literal(&table.name),
        writer = literal(&writer(table)),
    );
    sql += &triggers(&table.name, &number.to_string(), table.partitioned);
    for Part {
        name,
        partitioned,
        reordered,
    } in &table.parts
    {
        let arguments = match reordered {
            true => format!("{number}, {}", table.oid),
            false => number.to_string(),
        };
        sql += &triggers(name, &arguments, *partitioned);
    }
    sql
}

fn triggers(name: &str, arguments: &str, partitioned: bool) -> String {
    let trigger = |what: &str, when: &str, rows: &str| {
        format!(
            "CREATE TRIGGER _venomqa_{what} {when} ON {name} {rows} FOR EACH STATEMENT EXECUTE FUNCTION _venomqa.follow({arguments});\n"
        )
    };
    let (old, new) = ("OLD TABLE AS _venomqa_old", "NEW TABLE AS _venomqa_new");
    let mut sql = trigger("insert", "AFTER INSERT", &format!("REFERENCING {new}"));
    sql += &trigger(
        "update",
        "AFTER UPDATE",
        &format!("REFERENCING {old} {new}"),
    );
    sql += &trigger("delete", "AFTER DELETE", &format!("REFERENCING {old}"));
    if !partitioned {
        // TRUNCATE of a partitioned table fires the triggers of its partitions too, which have the rows.
        sql += &trigger("truncate", "BEFORE TRUNCATE", "");
    }
    sql
}

/// The choice among the functions of the single tables. Static statements, for their plans to be kept.
fn write_table(plan: &Plan) -> String {
    let numbers = 0..plan.tables.len();
    let branch = |number| {
        format!("WHEN {number} THEN PERFORM _venomqa.write_{number}(way.gone, way.come);\n")
    };
    let branches: String = numbers.map(branch).collect();
    match branches.is_empty() {
        true => String::new(),
        false => format!("CASE way.number {branches} END CASE;"),
    }
}

/// The body of the function that removes and adds rows of one table, given as text.
///
/// A row is removed only if all of it is as the text says: what is not there was changed without the journal's knowledge. The
/// texts are compared in a way that keeps PostgreSQL from making a text of every row to find the few.
fn writer(table: &TablePlan) -> String {
    let name = &table.name;
    let only = if table.partitioned { "" } else { "ONLY " };
    let written = table
        .columns
        .iter()
        .filter(|column| !column.generated)
        .map(|column| quoted(&column.name));
    let written: Vec<_> = written.collect();
    let values: Vec<_> = written
        .iter()
        .map(|column| format!("(come.cells).{column}"))
        .collect();
    let delete = match table.key.as_slice() {
        [] => format!(
            "DELETE FROM {only}{name} AS _venomqa_row WHERE (tableoid, ctid) IN (
                SELECT found.tableoid, found.ctid FROM (
                    SELECT _venomqa_row.tableoid, _venomqa_row.ctid, gone.count,
                        row_number() OVER (PARTITION BY gone.image) AS place
                    FROM {only}{name} AS _venomqa_row
                    JOIN (SELECT image, count(*) AS count FROM unnest(gone) AS image GROUP BY image) gone
                        ON (_venomqa_row.*)::text COLLATE \"C\" = gone.image
                ) found WHERE place <= count
            )"
        ),
        key => {
            let equal = key.iter().map(|column| {
                let KeyColumn { name, equals } = column;
                let name = quoted(name);
                format!("_venomqa_row.{name} {equals} (gone.cells).{name}")
            });
            format!(
                "DELETE FROM {only}{name} AS _venomqa_row
                    USING (SELECT image, image::{name} AS cells FROM unnest(gone) AS image OFFSET 0) gone
                    WHERE {} AND (_venomqa_row.*)::text COLLATE \"C\" IS NOT DISTINCT FROM gone.image",
                equal.collect::<Vec<_>>().join(" AND ")
            )
        }
    };
    // A table may have no columns at all.
    let insert = match written.as_slice() {
        [] => format!("FOR i IN 1 .. cardinality(come) LOOP INSERT INTO {name} DEFAULT VALUES; END LOOP"),
        written => format!(
            "INSERT INTO {name} ({}) OVERRIDING SYSTEM VALUE
                SELECT {} FROM (SELECT image::{name} AS cells FROM unnest(come) AS image OFFSET 0) come",
            written.join(", "),
            values.join(", ")
        ),
    };
    let mismatch = literal(&format!(
        "`{}` lacks rows that the run made or changed",
        table.table.name
    ));
    format!(
        "DECLARE
            removed bigint;
        BEGIN
            IF gone IS NOT NULL THEN
                {delete};
                GET DIAGNOSTICS removed = ROW_COUNT;
                IF removed <> cardinality(gone) THEN
                    RAISE EXCEPTION USING ERRCODE = 'VQ001', MESSAGE = {mismatch};
                END IF;
            END IF;
            IF come IS NOT NULL THEN
                {insert};
            END IF;
        END"
    )
}
