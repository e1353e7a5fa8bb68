use std::sync::Arc;

use super::adapter::PostgresAdapter;
use super::journal::Journal;
use super::link::Link;
use super::options::PostgresMode;
use super::recover;
use super::root::{self, Rooted};
use super::savepoint::Savepoint;
use super::session::Session;
use super::shared::Lending;
use super::template::{CopiedRoot, Template};
use crate::{About, Result, RowVisitor, Table};

/// What a run has begun with, before it takes over the connection.
#[derive(Debug)]
pub(super) enum Begun {
    Journal(Rooted),
    Savepoints(Rooted, Lending),
    Copies(CopiedRoot),
}

impl Begun {
    /// Makes the present contents the root, and tells every row.
    pub(super) async fn begin(
        adapter: &PostgresAdapter,
        link: &mut Link,
        visit: RowVisitor<'_>,
    ) -> Result<Self> {
        let mut visit = adapter.told.visitor(visit);
        if adapter.location.options.mode == PostgresMode::Template {
            let told = &adapter.told;
            let take = link.retry("begin", |link| {
                let told = told.clone();
                Box::pin(async move { CopiedRoot::take(link, &told).await })
            });
            let root = take.await?;
            for (table, rows) in root.contents.values() {
                rows.iter().for_each(|row| visit(table, row));
            }
            return Ok(Self::Copies(root));
        }
        let rooted = root::take(link, &adapter.told, &mut visit).await?;
        let Some(lending) = adapter.lending.clone() else {
            return Ok(Self::Journal(rooted));
        };
        match Savepoint::begin(&lending).await {
            Ok(()) => Ok(Self::Savepoints(rooted, lending)),
            Err(stop) => {
                // What cannot be removed now is removed by the next run.
                let _ = recover::end(link).await;
                Err(stop.into_error(&adapter.location, "begin").await)
            }
        }
    }

    pub(super) fn about(&self) -> &About {
        match self {
            Self::Journal(rooted) | Self::Savepoints(rooted, _) => &rooted.about,
            Self::Copies(root) => &root.about,
        }
    }

    pub(super) fn tables(&self) -> Vec<Arc<Table>> {
        match self {
            Self::Journal(rooted) | Self::Savepoints(rooted, _) => {
                let tables = rooted.plan.tables.iter();
                tables.map(|table| table.table.clone()).collect()
            }
            Self::Copies(root) => {
                let tables = root.contents.values();
                tables.map(|(table, _)| table.clone()).collect()
            }
        }
    }

    pub(super) fn session(self, link: Link) -> Box<dyn Session> {
        match self {
            Self::Journal(rooted) => Box::new(Journal::new(link, rooted)),
            Self::Savepoints(rooted, lending) => Box::new(Savepoint::new(link, lending, rooted)),
            Self::Copies(root) => Box::new(Template::new(link, root)),
        }
    }
}
