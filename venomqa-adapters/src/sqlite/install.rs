use rusqlite::Connection;

use super::schema::{Kind, OURS, Plan, TablePlan, quoted};

/// What is written into the database to follow it: a log, and triggers on every table that write old rows into it.
///
/// All triggers run in the transactions of the application, so the log is as durable as the changes it undoes. A row of
/// the log says that a place was about to change, and what was there: nothing where `present` is 0. Recording more than
/// changes does no harm, because what changed is found by comparing with the table; recording less does. SQLite runs the
/// trigger first that was made last, so ours see a row before a trigger of the application can touch it again. (Only a
/// `TEMP` trigger of the application comes before; one that changes the very row just inserted would deceive the log.)
pub(super) fn install(db: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    let widest = plan
        .of_kind(Kind::Followed)
        .map(|(_, table)| table.columns.len())
        .max();
    let cells: String = (0..widest.unwrap_or(0))
        .map(|i| format!(", c{i}"))
        .collect();
    let mut sql =
        format!("CREATE TABLE {OURS}log(seq INTEGER PRIMARY KEY, tbl, rid, present{cells});\n");
    if plan
        .tables
        .iter()
        .any(|table| table.table.name == "sqlite_sequence")
    {
        sql += &format!(
            "CREATE TABLE {OURS}sequence(rid INTEGER PRIMARY KEY, name, seq);\n\
             INSERT INTO {OURS}sequence SELECT rowid, name, seq FROM sqlite_sequence;\n"
        );
    }
    for (number, table) in plan.of_kind(Kind::Followed) {
        sql += &triggers(number, table);
    }
    db.execute_batch(&sql)
}

/// Makes what the log leads back to the present contents.
pub(super) fn clear_log(db: &Connection, there_is_one: bool) -> rusqlite::Result<()> {
    if !there_is_one {
        return Ok(());
    }
    db.execute_batch(&format!("DELETE FROM {OURS}log"))?;
    let there = format!("SELECT count(*) FROM sqlite_schema WHERE name = '{OURS}sequence'");
    if db.query_row(&there, [], |row| row.get(0))? {
        db.execute_batch(&format!(
            "DELETE FROM {OURS}sequence; INSERT INTO {OURS}sequence SELECT rowid, name, seq FROM sqlite_sequence"
        ))?;
    }
    Ok(())
}

/// Removes everything of ours, also what an earlier version or another schema left.
pub(super) fn uninstall(db: &Connection) -> rusqlite::Result<()> {
    remove(db, "")
}

/// Removes what follows the tables, and keeps the record of the run.
pub(super) fn uninstall_triggers(db: &Connection) -> rusqlite::Result<()> {
    remove(db, "run")
}

fn remove(db: &Connection, but: &str) -> rusqlite::Result<()> {
    let drops: Vec<String> = db
        .prepare(
            "SELECT 'DROP ' || type || ' IF EXISTS ' || '\"' || replace(name, '\"', '\"\"') || '\"' FROM sqlite_schema \
             WHERE type IN ('table', 'trigger') AND substr(name, 1, length(?1)) = ?1 AND name <> ?1 || ?2 ORDER BY type DESC",
        )?
        .query_map([OURS, but], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    db.execute_batch(&drops.join(";\n"))
}

fn triggers(number: usize, table: &TablePlan) -> String {
    let name = quoted(&table.table.name);
    let row_number = table.row_number.as_str();
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| quoted(&column.name))
        .collect();
    let key = || {
        table
            .table
            .key
            .iter()
            .map(|&column| (column, &columns[column]))
    };
    let cells: String = (0..columns.len()).map(|i| format!(", c{i}")).collect();
    let values = |prefix: &str| -> String {
        columns
            .iter()
            .map(|column| format!(", {prefix}{column}"))
            .collect()
    };
    let into = format!("INSERT INTO {OURS}log(tbl, rid, present{cells})");
    let (id, old_id, new_id) = match row_number {
        "" => ("NULL".into(), "NULL".into(), "NULL".into()),
        row => (row.to_owned(), format!("OLD.{row}"), format!("NEW.{row}")),
    };
    let old_row = format!("{into} VALUES ({number}, {old_id}, 1{});", values("OLD."));
    // In a table with row numbers the number alone says where nothing was.
    let nothing_there = match row_number {
        "" => format!("{into} VALUES ({number}, NULL, 0{});", values("NEW.")),
        _ => format!("INSERT INTO {OURS}log(tbl, rid, present) VALUES ({number}, {new_id}, 0);"),
    };
    let moved = match row_number {
        // Equal under the key's collation is not the same key, so every update counts.
        "" => String::new(),
        row => format!("WHEN NEW.{row} IS NOT OLD.{row} "),
    };
    let not_itself = match row_number {
        "" => {
            let equal: Vec<_> = key()
                .map(|(_, column)| format!("{column} = OLD.{column}"))
                .collect();
            format!("NOT ({})", equal.join(" AND "))
        }
        row => format!("{row} IS NOT OLD.{row}"),
    };
    let displaced = |and: &str| -> String {
        conflicts(table)
            .into_iter()
            .map(|condition| {
                let found = values("");
                format!(
                    "{into} SELECT {number}, {id}, 1{found} FROM {name} WHERE {condition}{and};\n"
                )
            })
            .collect()
    };
    let (before_insert, before_update) = (displaced(""), displaced(&format!(" AND {not_itself}")));
    let trigger =
        |kind: &str, when: &str| format!("CREATE TRIGGER {OURS}{number}_{kind} {when} ON {name} ");
    [
        trigger("bi", "BEFORE INSERT") + "BEGIN\n" + &before_insert + "END;\n",
        trigger("ai", "AFTER INSERT") + "BEGIN\n" + &nothing_there + "\nEND;\n",
        trigger("bu", "BEFORE UPDATE") + "BEGIN\n" + &old_row + "\n" + &before_update + "END;\n",
        trigger("au", "AFTER UPDATE") + &moved + "BEGIN\n" + &nothing_there + "\nEND;\n",
        trigger("bd", "BEFORE DELETE") + "BEGIN\n" + &old_row + "\nEND;\n",
    ]
    .concat()
}

/// The conditions under which `OR REPLACE` deletes a stored row to make room for NEW, without firing any trigger.
fn conflicts(table: &TablePlan) -> Vec<String> {
    let new = |name: &str| {
        let default = table.columns.iter().find(|column| column.name == name);
        match default.and_then(|column| column.default.as_ref()) {
            Some(default) => format!("ifnull(NEW.{}, ({default}))", quoted(name)),
            None => format!("NEW.{}", quoted(name)),
        }
    };
    let named: Vec<_> = table
        .columns
        .iter()
        .map(|column| format!("{} AS {}", new(&column.name), quoted(&column.name)))
        .collect();
    let new_row = format!("(SELECT {})", named.join(", "));
    let mut conditions = Vec::new();
    if !table.row_number.is_empty() {
        conditions.push(format!("{row} = NEW.{row}", row = table.row_number));
    }
    conditions.extend(
        table
            .unique
            .iter()
            .map(|index| index.conflict(new, &new_row)),
    );
    conditions
}
