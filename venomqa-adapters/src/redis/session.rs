use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::contents::{Contents, Live};
use super::entry::{Entry, Place, tables};
use super::expiry::Clock;
use super::follow::Follow;
use super::heard::Heard;
use super::link::Link;
use super::location::Location;
use super::options::RedisOptions;
use super::precheck::{Mechanism, Server, waiting_clients};
use super::recover::file_failed;
use super::run::RootCopy;
use super::stop::Stop;
use super::tree::{Changes, Tree};
use super::write::Writes;
use crate::database::history::{Change, add, add_reversed};
use crate::database::patience::Patience;
use crate::{Checkpoint, Error, Result, Row, RowChange, Sealed, Table};

/// What to do about clients that take what is put back.
pub(super) const STOP_WORKERS: &str = "stop the workers that wait for keys (`BLPOP` and its like)";

/// What there is between `begin` and `close`.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) options: RedisOptions,
    pub(super) location: Location,
    pub(super) link: Link,
    pub(super) follow: Follow,
    tables: BTreeMap<u32, Arc<Table>>,
    /// What the databases hold, as far as it is known.
    pub(super) contents: Contents,
    /// What has to be read before they are known again.
    pub(super) pending: Heard,
    /// What of that is being read.
    pub(super) unread: Heard,
    /// How many writes were announced up to now.
    pub(super) announced: usize,
    /// What the live state changes over the position.
    pub(super) changes: Changes,
    /// What it changes over the contents that were told last.
    pub(super) untold: Changes,
    /// The server's clock, read when it was last listened to.
    pub(super) clock: Clock,
    /// What the server called itself when it started.
    pub(super) server_run: String,
    /// Over how many connections `server_run` was asked for.
    pub(super) connections: u32,
    /// Whether the server was started again since changes were told.
    pub(super) restarted: bool,
    /// Whether clients may have waited for keys when these were written last.
    clients_waited: bool,
    /// Reachable for those who cannot wait, too.
    pub(super) tree: Tree,
}

impl Session {
    /// Reads all keys, which are the root.
    pub(super) async fn begin(
        options: &RedisOptions,
        location: &Location,
        server: &Server,
    ) -> Result<Self> {
        let (follow, tracking) = match server.mechanism {
            Mechanism::Tracking => (Follow::Tracking(None), true),
            Mechanism::Dump => (Follow::Dump, false),
        };
        let failed = |stop: Stop| stop.into_error(&options.system(), "begin");
        let mut session = Self {
            options: options.clone(),
            location: location.clone(),
            link: Link::new(options, tracking).map_err(failed)?,
            follow,
            tables: tables(&options.databases),
            contents: Contents::default(),
            pending: Heard::everything(),
            unread: Heard::default(),
            announced: 0,
            changes: Changes::new(),
            untold: Changes::new(),
            clock: Clock::says(0),
            server_run: server.run.clone(),
            connections: 0,
            restarted: false,
            clients_waited: true,
            tree: Tree::new(),
        };
        session.look("begin").await?;
        session.restarted = false;
        session.changes.clear();
        session.untold.clear();
        Ok(session)
    }

    /// Makes what leads back to the root durable, for all databases or none.
    pub(super) fn keep_root(&self) -> Result<()> {
        let kept = self.write_copies();
        if kept.is_err() {
            // No action has run. Later these would undo what others wrote since.
            for &database in &self.options.databases {
                let _ = RootCopy::remove(&self.location.root_copy(database));
            }
        }
        kept
    }

    fn write_copies(&self) -> Result<()> {
        let keys = self.contents.sorted();
        for &database in &self.options.databases {
            let path = self.location.root_copy(database);
            let here = keys.iter().filter(|(place, _)| place.database == database);
            let here = here.map(|(place, entry)| (*place, &***entry));
            let ignored = &self.options.ignored.keys;
            let written = RootCopy::write(&path, &self.server_run, ignored, database, here);
            written.map_err(|error| {
                let failed = file_failed(&self.options, "write", &path, error);
                failed.into_error(&self.options.system(), "begin")
            })?;
        }
        Ok(())
    }

    /// Tells every key.
    pub(super) fn visit(&self, mut visit: impl FnMut(&Arc<Table>, &Row)) {
        for (place, entry) in self.contents.sorted() {
            visit(&self.tables[&place.database], &entry.row);
        }
    }

    /// The clients that wait for keys, and would change what is put back as soon as it is there.
    pub(super) async fn waiting_clients(&mut self) -> Result<Vec<String>> {
        let waiting = waiting_clients(&mut self.link, &self.options.databases).await;
        waiting.map_err(|stop| stop.into_error(&self.options.system(), "see who waits for keys"))
    }

    pub(super) async fn changes(&mut self) -> Result<Vec<RowChange>> {
        self.look("see what changed").await?;
        self.expect_same_data()?;
        self.untold.clear();
        Ok(self.told(&self.changes))
    }

    pub(super) async fn seal(&mut self) -> Result<Sealed> {
        self.look("seal a checkpoint").await?;
        self.expect_same_data()?;
        let untold = self.take_untold();
        let checkpoint = self.tree.add_child(std::mem::take(&mut self.changes));
        Ok(Sealed { checkpoint, untold })
    }

    pub(super) async fn restore(&mut self, to: Checkpoint) -> Result<Vec<RowChange>> {
        if !self.tree.contains(to) {
            return Err(Error::OutOfReach {
                system: self.options.system(),
                checkpoint: to,
                why: "it was released, or never sealed",
            });
        }
        let doing = "restore a checkpoint";
        self.look(doing).await?;
        self.expect_same_data()?;
        let way = self.way(to);
        let run_down: Vec<_> = self.contents.run_down(self.clock.now()).cloned().collect();
        self.write(&way, run_down, false, doing).await?;
        let untold = self.take_untold();
        self.changes.clear();
        self.tree.move_to(to);
        match self.taken(&way).await? {
            None => Ok(untold),
            Some(first) => Err(Error::Busy {
                system: self.options.system(),
                why: taken_at_once(&first),
                remedy: format!("{STOP_WORKERS} while the databases are explored"),
            }),
        }
    }

    /// Brings what is known of the databases up to date, and waits until nobody writes.
    pub(super) async fn look(&mut self, doing: &str) -> Result<()> {
        let mut patience = Patience::new(self.options.settle);
        let mut was_in_the_way = false;
        loop {
            match self.look_once().await {
                // What ends in this moment may be heard only now.
                Ok(()) if was_in_the_way => was_in_the_way = false,
                Err(stop) if stop.is_passing() && patience.lasts().await => was_in_the_way = true,
                outcome => {
                    return outcome.map_err(|stop| stop.into_error(&self.options.system(), doing));
                }
            }
        }
    }

    /// What leads from the live state to a checkpoint.
    pub(super) fn way(&self, to: Checkpoint) -> Changes {
        let mut way = Changes::new();
        add_reversed(&mut way, &self.changes);
        for (place, change) in self.tree.way(to) {
            add(&mut way, place, change);
        }
        way
    }

    /// Puts keys to their new contents, and sets right the time that others have left.
    pub(super) async fn write(
        &mut self,
        way: &Changes,
        run_down: Vec<Place>,
        making_room: bool,
        doing: &str,
    ) -> Result<()> {
        let elsewhere = run_down.iter().filter(|place| !way.contains_key(*place));
        let expiries: Vec<_> = elsewhere
            .filter_map(|place| Some((place, self.contents.get(place)?.entry.stored.remaining?)))
            .collect();
        let keys = way.iter().map(|(place, change)| {
            let stored = change.new.as_ref().map(|entry| &entry.stored);
            (place, stored)
        });
        let writes = Writes {
            keys: keys.collect(),
            expiries,
        };
        if writes.is_empty() {
            return Ok(());
        }
        // Until it is known what was written, all keys have to be read again.
        let pending = std::mem::replace(&mut self.pending, Heard::everything());
        let system = self.options.system();
        let mut patience = Patience::new(self.options.settle);
        let (now, before) = loop {
            let now = self.clock.now();
            let link = &mut self.link;
            let written = match making_room {
                true => writes.execute_making_room(link, &system, now).await,
                false => writes.execute(link, &system, now).await,
            };
            match written {
                Ok(before) => break (now, before),
                Err(stop) if stop.is_passing() && patience.lasts().await => {}
                Err(stop) => {
                    if matches!(stop, Stop::Refused(_)) && !making_room {
                        self.pending = pending;
                    }
                    return Err(stop.into_error(&system, doing));
                }
            }
        };
        self.pending = pending;
        self.clients_waited = before.clients_wait;
        let set_right = writes.expiries.into_iter().map(|(place, _)| place.clone());
        let set_right: Vec<_> = set_right.collect();
        for (place, change) in way {
            self.holds(place, change.new.clone(), now);
        }
        for place in set_right {
            let entry = self.contents.get(&place).map(|live| live.entry.clone());
            self.holds(&place, entry, now);
            // The server tells of a key once for all that is written in one turn, and not at all if the last who wrote are we.
            if before.writes != self.follow.writes() {
                self.pending.keys.insert(place.key.to_vec());
            }
        }
        Ok(())
    }

    /// Notes what was just written.
    fn holds(&mut self, place: &Place, entry: Option<Arc<Entry>>, now: i64) {
        let live = entry.map(|entry| {
            let deadline = entry.stored.remaining.map(|remaining| now + remaining);
            Live { entry, deadline }
        });
        self.contents.set(place.clone(), live);
    }

    /// The first key that is not there any more as it was just put back: a client that waits for one takes it as soon as it is there.
    ///
    /// Our own write wakes that client, so that the server may count what it takes as ours and not tell us.
    pub(super) async fn taken(&mut self, way: &Changes) -> Result<Option<RowChange>> {
        if !self.clients_waited {
            return Ok(None);
        }
        let is_waited_for = |change: &Change<Arc<Entry>>| {
            let entry = change.new.as_ref();
            entry.is_some_and(|entry| entry.kind.is_waited_for())
        };
        let put_back = way.iter().filter(|(_, change)| is_waited_for(change));
        let keys: Vec<_> = put_back.map(|(place, _)| place.key.to_vec()).collect();
        if keys.is_empty() {
            return Ok(None);
        }
        self.pending.keys.extend(keys);
        self.look("see whether what was restored is still there")
            .await?;
        let mut taken = self.changes.clone();
        taken.retain(|place, _| way.get(place).is_some_and(is_waited_for));
        Ok(self.told(&taken).into_iter().next())
    }

    /// Notes that the server was started again, so that a run after a crash knows it.
    pub(super) fn adopt_server(&mut self, server_run: String) -> Result<(), Stop> {
        if server_run == self.server_run {
            return Ok(());
        }
        self.restarted = true;
        for &database in &self.options.databases {
            let path = self.location.root_copy(database);
            RootCopy::adopt(&path, &server_run)
                .map_err(|error| file_failed(&self.options, "write", &path, error))?;
        }
        self.server_run = server_run;
        Ok(())
    }

    /// After a server came back with other keys nobody can tell what a step changed.
    fn expect_same_data(&mut self) -> Result<()> {
        if !self.restarted {
            return Ok(());
        }
        if self.told(&self.untold).is_empty() {
            self.restarted = false;
            return Ok(());
        }
        Err(Error::Database {
            system: self.options.system(),
            doing: "tell what changed".into(),
            source: "the server was started again in the middle of the run, and came back with other keys".into(),
        })
    }

    fn take_untold(&mut self) -> Vec<RowChange> {
        let untold = std::mem::take(&mut self.untold);
        self.told(&untold)
    }

    /// The changes as rows, in the order of the keys. What differs only in how the server keeps it is not told.
    pub(super) fn told(&self, changes: &Changes) -> Vec<RowChange> {
        let row = |entry: &Option<Arc<Entry>>| entry.as_ref().map(|entry| entry.row.clone());
        let rows = changes
            .iter()
            .map(|(place, Change { old, new })| RowChange {
                table: self.tables[&place.database].clone(),
                old: row(old),
                new: row(new),
            });
        rows.filter(|change| change.old != change.new).collect()
    }
}

/// Why it is of no use to put a key back.
pub(super) fn taken_at_once(change: &impl fmt::Display) -> String {
    format!("somebody changes what is put back as soon as it is there ({change})")
}
