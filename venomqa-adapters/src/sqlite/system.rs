use super::SqliteAdapter;
use super::follow::Follow;
use super::islands::Islands;
use super::options::SqliteMode;
use super::precheck::expect_file;
use super::session::Session;
use crate::{About, BoxFuture, Checkpoint, Result, Root, RowChange, RowVisitor, System};

impl System for SqliteAdapter {
    fn about(&self) -> About {
        match &*self.session() {
            Some(session) => about(session),
            None => self.last_about().clone(),
        }
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        Box::pin(async move {
            self.expect_unused()?;
            expect_file(&self.location)?;
            let open = || Session::open(&self.location, &self.options);
            let session = self.retry("begin", open).await?;
            *self.session() = Some(session);
            self.when_quiet("begin", Session::begin).await?;
            let tables = self
                .when_quiet("begin", |session| session.visit(visit))
                .await?;
            let checkpoint = Islands::ROOT;
            Ok(Root { checkpoint, tables })
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(self.when_quiet("see what changed", Session::changes))
    }

    fn seal(&self) -> BoxFuture<'_, Result<Checkpoint>> {
        Box::pin(self.when_quiet("seal a checkpoint", Session::seal))
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        self.session()
            .as_ref()
            .is_some_and(|session| session.can_restore(to))
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(self.when_quiet("restore a checkpoint", move |session| session.restore(to)))
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
            let last = self.session().as_ref().map(about);
            let retired = match last {
                None => Ok(()),
                Some(last) => {
                    *self.last_about() = last;
                    self.when_quiet("return to the root", Session::retire).await
                }
            };
            // What could not be put back stays recorded in the database, for the next run to try again.
            retired.and(self.unlock())
        })
    }
}

fn about(session: &Session) -> About {
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
        true => "Incremental writes into blobs (`sqlite3_blob_write`) are not seen.".into(),
        false => "Each step costs what is stored, not what changes.".into(),
    });
    if session.mode == SqliteMode::Journal {
        gaps.push("A change of the schema cannot be undone.".into());
    }
    gaps.push("What `ANALYZE` gathers and what is in attached databases is not followed.".into());
    if !session.ignored.is_empty() {
        gaps.push(format!("Ignored tables: {}.", session.ignored.join(", ")));
    }
    About {
        name: format!("{name} (SQLite {sqlite}, journal mode {journal_mode})"),
        mechanism,
        gaps,
        sees_foreign_commits: true,
    }
}
