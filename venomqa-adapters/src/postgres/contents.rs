use futures_util::TryStreamExt;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row as _, raw_sql};

use super::schema::{Plan, TablePlan};
use crate::RowVisitor;
use crate::database::contents::Contents;

/// Tells every row of a table.
pub(super) async fn each_row(
    db: &mut PgConnection,
    table: &TablePlan,
    visit: RowVisitor<'_>,
) -> sqlx::Result<()> {
    let only = if table.partitioned { "" } else { "ONLY " };
    let sql = format!(
        "SELECT (_venomqa_row.*)::text FROM {only}{} AS _venomqa_row",
        table.name
    );
    let mut rows = db.fetch(raw_sql(AssertSqlSafe(sql)));
    while let Some(row) = rows.try_next().await? {
        let image = row.try_get_raw(0)?;
        let image = image.as_str().map_err(sqlx::Error::Decode)?;
        visit(&table.table, &table.row(image));
    }
    Ok(())
}

/// Reads all rows.
pub(super) async fn contents(db: &mut PgConnection, plan: &Plan) -> sqlx::Result<Contents> {
    let mut contents = Contents::new();
    for table in &plan.tables {
        let mut rows = Vec::new();
        each_row(db, table, &mut |_, row| rows.push(row.clone())).await?;
        rows.sort_unstable();
        contents.insert(table.table.name.clone(), (table.table.clone(), rows));
    }
    Ok(contents)
}
