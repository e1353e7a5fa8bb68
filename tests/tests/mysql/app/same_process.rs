//! The hostile statements, from an application in the process of the adapter that shares its connection.

use std::sync::Arc;

use mysql_async::prelude::Queryable;
use venomqa_adapters::conformance::{Contents, Dice, Workload};
use venomqa_adapters::{BoxFuture, MySqlAdapter};

use super::hostile::{REFUSALS, statement};
use super::look;

pub(crate) struct SameProcess(pub(crate) Arc<MySqlAdapter>);

impl Workload for SameProcess {
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
        let ends = |sql: &str| sql.starts_with("BEGIN") || sql.starts_with("TRUNCATE");
        let sql = std::iter::repeat_with(|| statement(dice)).find(|sql| !ends(sql));
        let sql = sql.expect("most statements leave a transaction open");
        Box::pin(async move {
            let mut conn = self.0.connection().await.expect("it shares one");
            if let Err(error) = conn.query_drop(&sql).await {
                let error = error.to_string();
                let known = REFUSALS
                    .iter()
                    .any(|number| error.contains(&format!("ERROR {number} ")));
                assert!(known, "{sql}: {error}");
            }
        })
    }

    fn contents(&mut self) -> BoxFuture<'_, Contents> {
        Box::pin(async {
            look::contents(&mut self.0.connection().await.expect("it shares one")).await
        })
    }

    fn dump(&mut self) -> BoxFuture<'_, String> {
        Box::pin(async { look::dump(&mut self.0.connection().await.expect("it shares one")).await })
    }
}
