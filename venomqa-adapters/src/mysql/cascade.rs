use std::collections::{BTreeSet, HashMap};

use super::link::Link;
use super::schema::{Plan, is};
use super::stop::Stop;

/// A foreign key by which the server changes rows without a word in the binary log, in any database: what is followed may be reached
/// through what is not.
#[derive(Debug)]
pub(super) struct Cascade {
    /// The database and table of the parent.
    pub(super) parent: (String, String),
    child: (String, String),
    /// Whether a parent that goes changes its children.
    pub(super) on_delete: bool,
    /// Whether one whose key changes does.
    pub(super) on_update: bool,
    /// The key's columns, as the parent numbers them; empty where the parent is not followed.
    pub(super) columns: Vec<usize>,
}

/// Reads those of all databases that this account sees.
pub(super) async fn read(link: &mut Link, plan: &Plan) -> Result<Vec<Cascade>, Stop> {
    let mut columns = read_columns(link, plan).await?;
    let sql = "SELECT constraint_schema, constraint_name, table_name, unique_constraint_schema, referenced_table_name, delete_rule, update_rule \
               FROM information_schema.referential_constraints \
               WHERE constraint_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')";
    type Key = (String, String, String, String, String, String, String);
    let silent = |rule: &str| !matches!(rule, "RESTRICT" | "NO ACTION");
    let mut cascades = Vec::new();
    for (database, name, table, schema, parent, on_delete, on_update) in
        link.rows::<Key>(sql).await?
    {
        let (on_delete, on_update) = (silent(&on_delete), silent(&on_update));
        if on_delete || on_update {
            let key = (database == plan.database).then(|| columns.remove(&(table.clone(), name)));
            let followed = plan.table(&parent).filter(|_| schema == plan.database);
            let columns = followed.zip(key.flatten()).map(|((_, parent), key)| {
                let number = |name: &String| parent.columns.iter().position(|c| c.name == *name);
                key.iter().filter_map(number).collect()
            });
            cascades.push(Cascade {
                parent: (schema, parent),
                child: (database, table),
                on_delete,
                on_update,
                columns: columns.unwrap_or_default(),
            });
        }
    }
    Ok(cascades)
}

/// The columns to which the foreign keys of this database refer, by table and name of the key.
async fn read_columns(
    link: &mut Link,
    plan: &Plan,
) -> Result<HashMap<(String, String), Vec<String>>, Stop> {
    // A unique index may have the name of a foreign key.
    let sql = format!(
        "SELECT table_name, constraint_name, referenced_column_name FROM information_schema.key_column_usage \
         WHERE {} AND referenced_table_name IS NOT NULL ORDER BY ordinal_position",
        is("table_schema", &plan.database)
    );
    let mut columns = HashMap::<_, Vec<_>>::new();
    for (table, name, column) in link.rows::<(String, String, String)>(&sql).await? {
        columns.entry((table, name)).or_default().push(column);
    }
    Ok(columns)
}

impl Cascade {
    /// The number of the child, if it is followed.
    pub(super) fn followed_child(&self, plan: &Plan) -> Option<usize> {
        let (database, table) = &self.child;
        let (number, _) = plan.table(table).filter(|_| *database == plan.database)?;
        Some(number)
    }

    /// Marks the child that this may have changed, and those that its own rows may have taken along.
    pub(super) fn suspect(&self, plan: &Plan, suspects: &mut BTreeSet<usize>) {
        let mut reached = vec![self];
        let mut at = 0;
        while let Some(cascade) = reached.get(at).copied() {
            suspects.extend(cascade.followed_child(plan));
            for next in &plan.cascades {
                let is_known = reached.iter().any(|known| std::ptr::eq(*known, next));
                if next.parent == cascade.child && !is_known {
                    reached.push(next);
                }
            }
            at += 1;
        }
    }
}
