use std::sync::Arc;

use redis::{Cmd, Value as Reply, pipe};

use super::contents::Live;
use super::entry::{Entry, Place, Stored};
use super::expiry::Clock;
use super::found::{BATCH, Found, Selected, read, scan};
use super::heard::Heard;
use super::link::error_in;
use super::precheck::facts;
use super::session::Session;
use super::stop::Stop;
use super::value::shown_payload;
use crate::Value;
use crate::database::history::{Change, add};

/// How often keys are read again because others changed meanwhile, before it takes a pause.
const PASSES: usize = 8;

/// Learning what others wrote.
impl Session {
    /// Brings what is known of the databases up to date, unless applications keep writing.
    ///
    /// May be given up and repeated at any point: what was heard is kept until it is known what came of it.
    pub(super) async fn look_once(&mut self) -> Result<(), Stop> {
        self.pending.add(std::mem::take(&mut self.unread));
        self.listen().await?;
        for _ in 0..PASSES {
            if self.pending.is_nothing() {
                return Ok(());
            }
            self.unread = std::mem::take(&mut self.pending);
            let suspects = self.suspects().await?;
            for batch in suspects.chunks(BATCH) {
                self.read(batch).await?;
            }
            self.unread = Heard::default();
            let heard = self.link.heard();
            self.take_in(heard);
        }
        Err(Stop::Busy("applications keep writing to it".into()))
    }

    /// Hears of everything that was written before.
    async fn listen(&mut self) -> Result<(), Stop> {
        let mut fence = pipe();
        self.follow.add_fence(&mut fence);
        // It is answered at once, or something is in the way.
        let answers = tokio::time::timeout(self.options.settle, self.link.ask(&fence));
        let silent = |_| Stop::Busy("it does not answer".into());
        let answers = answers.await.map_err(silent)??;
        self.hear(answers.into_iter(), true)?;
        if self.connections != self.link.connections() {
            let facts = facts(&mut self.link).await?;
            self.adopt_server(facts.get("run_id").cloned().unwrap_or_default())?;
            self.connections = self.link.connections();
        }
        let lapsed = self.contents.lapsed(self.clock.read());
        let lapsed = lapsed.map(|place| place.key.to_vec()).collect();
        self.pending.add(Heard {
            keys: lapsed,
            ..Heard::default()
        });
        Ok(())
    }

    fn hear(&mut self, answers: impl Iterator<Item = Reply>, first: bool) -> Result<(), Stop> {
        let (heard, now) = self.follow.hear(&self.link, answers, first)?;
        self.take_in(heard);
        self.clock = Clock::says(now);
        Ok(())
    }

    fn take_in(&mut self, heard: Heard) {
        self.announced += heard.keys.len();
        self.pending.add(heard);
    }

    /// The keys that have to be read.
    async fn suspects(&mut self) -> Result<Vec<Place>, Stop> {
        let databases = self.options.databases.clone();
        let ignored = self.options.ignored.clone();
        let mut suspects = Vec::new();
        if self.unread.everything {
            suspects.extend(self.contents.places().cloned());
            for database in databases {
                scan(&mut self.link, database, &ignored, &mut suspects).await?;
            }
        } else {
            if self.unread.streams {
                suspects.extend(self.contents.streams().cloned());
            }
            // Nobody tells in which database.
            let keys = self.unread.keys.iter().filter(|key| !ignored.has_key(key));
            for key in keys {
                let key: Arc<[u8]> = key.as_slice().into();
                suspects.extend(databases.iter().map(|&database| Place {
                    database,
                    key: key.clone(),
                }));
            }
        }
        suspects.sort_unstable();
        suspects.dedup();
        Ok(suspects)
    }

    /// Reads some keys and notes how they changed.
    async fn read(&mut self, places: &[Place]) -> Result<(), Stop> {
        let mut changed = Vec::new();
        let (deadlines, contents) = (self.follow.deadlines(), &self.contents);
        read(&mut self.link, deadlines, places, |place, found| {
            let same = match (&found, contents.get(place)) {
                (None, None) => true,
                (Some(found), Some(live)) => {
                    found.payload == live.entry.stored.payload
                        && deadlines.agree(found.deadline, live.deadline)
                }
                _ => false,
            };
            if !same {
                changed.push((place.clone(), found));
            }
        })
        .await?;
        if changed.is_empty() {
            return Ok(());
        }
        // Together with the values it is heard whether others wrote while the keys were read.
        let mut commands = pipe();
        let mut selected = Selected::default();
        for (place, found) in &changed {
            if let Some(reading) = self.reading(place, found.as_ref()) {
                selected.select(&mut commands, place.database);
                commands.add_command(reading);
            }
        }
        self.follow.add_fence(&mut commands);
        let mut answers = self.link.ask_all(&commands).await?.into_iter();
        let mut selected = Selected::default();
        let mut entries = Vec::with_capacity(changed.len());
        for (place, found) in changed {
            let answer = self.reading(&place, found.as_ref()).map(|_| {
                selected.skip(&mut answers, place.database);
                answers.next().unwrap_or_default()
            });
            let live = match found {
                Some(found) => Some(self.live(&place, found, answer)?),
                None => None,
            };
            entries.push((place, live));
        }
        self.hear(answers, false)?;
        for (place, live) in entries {
            self.note(place, live);
        }
        Ok(())
    }

    /// The command that reads the value of a key that was found, where it is not known.
    fn reading(&self, place: &Place, found: Option<&Found>) -> Option<Cmd> {
        let found = found?;
        match self.known(place, found) {
            Some(_) => None,
            None => found.kind.reading(&place.key),
        }
    }

    /// What is known of a key that still holds the same.
    fn known(&self, place: &Place, found: &Found) -> Option<&Live> {
        let live = self.contents.get(place)?;
        (live.entry.stored.payload == found.payload).then_some(live)
    }

    /// A key as it was found, with the answer to the command that reads it.
    fn live(&self, place: &Place, found: Found, answer: Option<Reply>) -> Result<Live, Stop> {
        let before = self.contents.get(place);
        let remaining = match (found.deadline, before) {
            (None, _) => None,
            // Time stands still for a key that was not given another deadline.
            (deadline, Some(before))
                if self.follow.deadlines().agree(deadline, before.deadline) =>
            {
                before.entry.stored.remaining
            }
            (Some(deadline), _) => Some((deadline - self.clock.read()).max(1)),
        };
        let entry = match (self.known(place, &found), answer) {
            (Some(known), _) => known.entry.expiring(remaining),
            (None, answer) => {
                let value = self.value(place, &found, answer)?;
                let stored = Stored {
                    payload: found.payload,
                    remaining,
                };
                Entry::new(place, stored, found.kind, value)
            }
        };
        Ok(Live {
            entry: Arc::new(entry),
            deadline: found.deadline,
        })
    }

    fn value(&self, place: &Place, found: &Found, answer: Option<Reply>) -> Result<Value, Stop> {
        let Some(answer) = answer else {
            return Ok(shown_payload(&found.payload));
        };
        if let Some(error) = error_in(&answer)
            && error.code() != "WRONGTYPE"
        {
            return Err(Stop::of(error));
        }
        let shown = found.kind.shown(&place.key, answer, &self.options.ignored);
        shown.ok_or_else(|| Stop::Busy("applications keep writing to it".into()))
    }

    /// Notes what a key holds now.
    fn note(&mut self, place: Place, live: Option<Live>) {
        let old = self.contents.get(&place).map(|live| live.entry.clone());
        let new = live.as_ref().map(|live| live.entry.clone());
        for changes in [&mut self.changes, &mut self.untold] {
            let (old, new) = (old.clone(), new.clone());
            add(changes, place.clone(), Change { old, new });
        }
        self.contents.set(place, live);
    }
}
