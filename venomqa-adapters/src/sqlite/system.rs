use super::SqliteAdapter;
use super::follow::Follow;
use super::islands::Islands;
use super::location::Location;
use super::options::SqliteMode;
use super::precheck::expect_file;
use super::recover::recover;
use super::session::Session;
use crate::database::told::{Told, expect_tables};
use crate::{
    About, BoxFuture, Checkpoint, Error, Result, Root, RowChange, RowVisitor, Sealed, System,
};

impl System for SqliteAdapter {
    fn about(&self) -> About {
        match &*self.session() {
            Some(session) => about(session, &self.told),
            None => self.last_about().clone(),
        }
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        Box::pin(async move {
            self.expect_unused()?;
            expect_file(&self.location)?;
            // The file may have come after `open`, with what a crashed run left in it.
            self.retry("restore what a run before left", || recover(&self.location))
                .await?;
            let session = self
                .retry("begin", || Session::open(&self.location, &self.options))
                .await?;
            *self.session() = Some(session);
            let began = async {
                self.when_quiet("begin", Session::begin).await?;
                let mut visit = self.told.visitor(visit);
                self.when_quiet("begin", |session| {
                    let Location { name, .. } = &self.location;
                    let tables = session.plan.tables.iter().map(|table| &table.table);
                    let names = tables.map(|table| table.name.as_str());
                    let users = names.filter(|name| !name.starts_with("sqlite_")).collect();
                    expect_tables(name, &session.ignored, users, str::eq_ignore_ascii_case)?;
                    let tables = session.plan.seen().map(|(_, table)| &table.table);
                    self.told.check(name, tables)?;
                    session.visit(&mut visit)
                })
                .await
            };
            let tables = match began.await {
                Ok(tables) => tables,
                Err(error) => {
                    // What cannot be removed now is removed by the next run.
                    let _ = self.when_quiet("clean up", Session::retire).await;
                    *self.session() = None;
                    return Err(error);
                }
            };
            let checkpoint = Islands::ROOT;
            let tables = tables.iter().map(|table| self.told.table(table)).collect();
            Ok(Root { checkpoint, tables })
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async {
            let changes = self.when_quiet("see what changed", Session::changes).await;
            Ok(self.told.changes(changes?))
        })
    }

    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        Box::pin(async {
            let sealed = self.when_quiet("seal a checkpoint", Session::seal).await?;
            Ok(Sealed {
                untold: self.told.changes(sealed.untold),
                ..sealed
            })
        })
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        self.session()
            .as_ref()
            .is_some_and(|session| session.can_restore(to))
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async move {
            let restore = |session: &mut Session| session.restore(to);
            let untold = self.when_quiet("restore a checkpoint", restore).await;
            Ok(self.told.changes(untold?))
        })
    }

    fn release(&self, checkpoint: Checkpoint) {
        if let Some(session) = &mut *self.session() {
            session.release(checkpoint);
        }
    }

    fn memory(&self) -> usize {
        self.session().as_ref().map_or(0, Session::memory)
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let session = |session: &Session| about(session, &self.told);
            let last = self.session().as_ref().map(session);
            let retired = match last {
                None => Ok(Vec::new()),
                Some(last) => {
                    *self.last_about() = last;
                    self.when_quiet("return to the root", Session::retire).await
                }
            };
            // What could not be put back stays recorded in the database, for the next run to try again.
            let unlocked = self.unlock();
            match retired?.first() {
                None => unlocked,
                Some(missed) => Err(Error::Irreversible {
                    system: self.location.name.clone(),
                    statement: format!("a write that fired no trigger ({missed})"),
                    remedy: "the contents were put back from a copy, but the run did not see them change: use `SqliteMode::Backup`".into(),
                }),
            }
        })
    }
}

fn about(session: &Session, told: &Told) -> About {
    let journal_mode = session
        .live
        .db
        .query_row("PRAGMA journal_mode", [], |row| row.get(0));
    let journal_mode: String = journal_mode.unwrap_or_default();
    let (name, sqlite) = (&session.location.name, rusqlite::version());
    let follows = matches!(session.follow, Follow::Journal(_));
    let mechanism = match (follows, &session.plan.unfollowable) {
        (true, _) => "trigger journal".into(),
        (false, _) if session.mode == SqliteMode::Backup => "full copies, as asked".into(),
        (false, Some(why)) => format!("full copies, because {why}"),
        (false, None) => "full copies, because the schema changed".into(),
    };
    let mut gaps = Vec::new();
    gaps.push(match follows {
        true => "Writes that fire no trigger, such as incremental writes into blobs (`sqlite3_blob_write`), are not seen when others come with them, until the run ends.".into(),
        false => "Each step costs what is stored, not what changes.".into(),
    });
    if follows {
        gaps.push("A TEMP trigger of the application that rewrites the row just inserted deceives the journal until the run ends: the row counts as one that was there before.".into());
    }
    let contentless: Vec<_> = session
        .plan
        .contentless()
        .map(|name| format!("`{name}`"))
        .collect();
    if !contentless.is_empty() {
        gaps.push(format!(
            "Full-text indexes without contents are restored, but what they index is not part of a state: {}.",
            contentless.join(", ")
        ));
    }
    if session.mode == SqliteMode::Journal {
        gaps.push("A change of the schema cannot be undone.".into());
    }
    gaps.push("What `ANALYZE` gathers and what is in attached databases is not followed.".into());
    if !session.ignored.is_empty() {
        gaps.push(format!("Ignored tables: {}.", session.ignored.join(", ")));
    }
    gaps.extend(told.gap());
    About {
        name: format!("{name} (SQLite {sqlite}, journal mode {journal_mode})"),
        mechanism,
        gaps,
        sees_foreign_commits: true,
    }
}
