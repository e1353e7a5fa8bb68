use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::Connection;

use super::clones;
use super::contents::contents;
use super::link::Link;
use super::location::{Location, quoted};
use super::marks::Marks;
use super::schema::Plan;
use super::session::Session;
use super::stop::Stop;
use crate::database::contents::{Contents, difference};
use crate::database::told::Told;
use crate::{About, BoxFuture, Checkpoint, Error, RowChange, Sealed};

/// Goes back by copies of the whole database, and tells what changed by comparing contents.
#[derive(Debug)]
pub(super) struct Template {
    link: Link,
    /// The checkpoints of which there are copies, beside the root.
    sealed: BTreeSet<Checkpoint>,
    /// Copies that nobody needs any more.
    released: Vec<Checkpoint>,
    last: Checkpoint,
    position: Arc<Contents>,
    /// The contents when changes were told last.
    told: Arc<Contents>,
}

/// The root, while a copy of it has its name.
#[derive(Debug)]
pub(super) struct CopiedRoot {
    pub(super) contents: Contents,
    pub(super) about: About,
}

impl CopiedRoot {
    /// Puts a copy in the place of the database.
    pub(super) async fn take(link: &mut Link, told: &Told) -> Result<Self, Stop> {
        let location = link.location.clone();
        clones::expect_room(&location)?;
        // An attempt of which only the answer was lost has put one there.
        clones::return_to_root(link).await?;
        let about = precheck(link, &location).await?;
        let mut db = location.connect().await?;
        let plan = Plan::read(&mut db, &location.options).await?;
        plan.check(&mut db, &location, told).await?;
        db.close().await?;
        let next = clones::next(&location);
        clones::copy(link, &location.database, &next).await?;
        clones::exchange(link, &next, &clones::root(&location)).await?;
        let contents = read(&location, &clones::root(&location)).await?;
        Ok(Self { contents, about })
    }
}

impl Template {
    pub(super) fn new(link: Link, root: CopiedRoot) -> Self {
        let contents = Arc::new(root.contents);
        Self {
            link,
            sealed: BTreeSet::new(),
            released: Vec::new(),
            last: Marks::ROOT,
            position: contents.clone(),
            told: contents,
        }
    }

    async fn look(&mut self) -> Result<Arc<Contents>, Stop> {
        let location = self.link.location.clone();
        let busy = sqlx::query_scalar(BUSY)
            .bind(&location.database)
            .fetch_one(self.link.db().await?);
        if busy.await? {
            return Err(Stop::Busy);
        }
        read(&location, &location.database).await.map(Arc::new)
    }

    async fn seal_copy(&mut self) -> Result<Sealed, Stop> {
        let location = self.link.location.clone();
        let checkpoint = Checkpoint(self.last.0 + 1);
        let copy = clones::sealed(&location, checkpoint);
        // What an attempt left whose answer was lost.
        clones::remove(&mut self.link, &copy).await?;
        clones::copy(&mut self.link, &location.database, &copy).await?;
        let sealed = Arc::new(read(&location, &copy).await?);
        let untold = difference(&self.told, &sealed);
        self.last = checkpoint;
        self.sealed.insert(checkpoint);
        (self.position, self.told) = (sealed.clone(), sealed);
        self.forget().await;
        Ok(Sealed { checkpoint, untold })
    }

    async fn go(&mut self, to: Checkpoint) -> Result<Vec<RowChange>, Stop> {
        let location = self.link.location.clone();
        if !self.can_restore(to) {
            return Err(Stop::Failed(Error::OutOfReach {
                system: location.name,
                checkpoint: to,
                why: "it was released, or never sealed",
            }));
        }
        let from = match to {
            Marks::ROOT => clones::root(&location),
            to => clones::sealed(&location, to),
        };
        let (next, last) = (clones::next(&location), clones::last(&location));
        clones::remove(&mut self.link, &next).await?;
        clones::remove(&mut self.link, &last).await?;
        clones::copy(&mut self.link, &from, &next).await?;
        let position = Arc::new(read(&location, &next).await?);
        clones::exchange(&mut self.link, &next, &last).await?;
        let left = Arc::new(read(&location, &last).await?);
        let untold = difference(&self.told, &left);
        (self.position, self.told) = (position.clone(), position);
        self.forget().await;
        Ok(untold)
    }

    /// Removes copies that nobody needs; those that cannot be removed now are at the end.
    async fn forget(&mut self) {
        let location = self.link.location.clone();
        let released = std::mem::take(&mut self.released).into_iter();
        for copy in released.map(|checkpoint| clones::sealed(&location, checkpoint)) {
            let _ = clones::remove(&mut self.link, &copy).await;
        }
        let _ = clones::remove(&mut self.link, &clones::last(&location)).await;
    }
}

impl Session for Template {
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    fn changes(&mut self) -> BoxFuture<'_, Result<Vec<RowChange>, Stop>> {
        Box::pin(async {
            self.told = self.look().await?;
            Ok(difference(&self.position, &self.told))
        })
    }

    fn seal(&mut self) -> BoxFuture<'_, Result<Sealed, Stop>> {
        Box::pin(self.seal_copy())
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        to == Marks::ROOT || self.sealed.contains(&to)
    }

    fn restore(&mut self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>, Stop>> {
        Box::pin(self.go(to))
    }

    fn release(&mut self, checkpoint: Checkpoint) {
        if self.sealed.remove(&checkpoint) {
            self.released.push(checkpoint);
        }
    }

    fn memory(&self) -> usize {
        let rows = self.position.values().map(|(table, rows)| {
            rows.len() * (table.columns.len() * size_of::<crate::Value>() + 32)
        });
        rows.sum()
    }

    fn retire(&mut self) -> BoxFuture<'_, Result<Option<Error>, Stop>> {
        Box::pin(async {
            clones::return_to_root(&mut self.link).await?;
            Ok(None)
        })
    }

    fn clone_database<'a>(&'a mut self, name: &'a str) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async {
            let root = clones::root(&self.link.location);
            clones::copy(&mut self.link, &root, name).await
        })
    }
}

/// Reads all rows of a copy, or of the database, and leaves it.
async fn read(location: &Location, database: &str) -> Result<Contents, Stop> {
    let mut db = location.connect_to(database).await?;
    let mut transaction = db
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let plan = Plan::read(&mut transaction, &location.options).await?;
    let contents = contents(&mut transaction, &plan).await?;
    transaction.commit().await?;
    db.close().await?;
    Ok(contents)
}

/// Refuses a database that the user may not copy, and says what the copies cannot do.
async fn precheck(link: &mut Link, location: &Location) -> Result<About, Stop> {
    let (version, creates, owns): (String, bool, bool) = sqlx::query_as(RIGHTS)
        .bind(&location.database)
        .fetch_one(link.db().await?)
        .await?;
    let (user, database) = (quoted(&location.user), quoted(&location.database));
    let mut missing = Vec::new();
    if !creates {
        missing.push(format!("ALTER ROLE {user} CREATEDB"));
    }
    if !owns {
        missing.push(format!("ALTER DATABASE {database} OWNER TO {user}"));
    }
    if !missing.is_empty() {
        return Err(Stop::Failed(Error::Refused {
            system: location.name.clone(),
            why: format!("`{}` lacks rights that copies take", location.user),
            remedy: format!("as a superuser, run: {}", missing.join("; ")),
        }));
    }
    let mut gaps = vec![
        "Each step costs what is stored, not what changes.".into(),
        "Nobody may be connected while a copy is made, so the application has to connect again and again.".into(),
        "Sequences are put back, but are no part of a state: two states that differ only in the next number are taken for one.".into(),
    ];
    if !location.options.ignored_tables.is_empty() {
        let ignored = location.options.ignored_tables.join(", ");
        gaps.push(format!(
            "Ignored tables are put back with all others: {ignored}."
        ));
    }
    Ok(About {
        name: location
            .name
            .replacen("PostgreSQL", &format!("PostgreSQL {version}"), 1),
        mechanism: "a copy of the database for each checkpoint, as asked".into(),
        gaps,
        sees_foreign_commits: true,
    })
}

const RIGHTS: &str = "
    SELECT split_part(current_setting('server_version'), ' ', 1), rolcreatedb OR rolsuper,
        rolsuper OR EXISTS (SELECT FROM pg_database WHERE datname = $1 AND pg_has_role(datdba, 'USAGE'))
    FROM pg_roles WHERE rolname = current_user";

/// Whether a transaction in a database has written and is not over yet.
const BUSY: &str = "
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1 AND backend_xid IS NOT NULL)
        OR EXISTS (SELECT FROM pg_prepared_xacts WHERE database = $1)";
