use std::time::{Duration, Instant};

use venomqa_adapters::{Checkpoint, Row, RowChange, Table};

use crate::{Error, Result, System};

/// How long the systems together may take to come to rest.
const RESTLESS: Duration = Duration::from_secs(5);

/// The systems of a world as one: a checkpoint of it is one of each, in the order in which they were added.
///
/// One request may write to several of them, one after the other. What they are asked, one after the other too, must
/// describe one moment.
#[derive(Debug, Default)]
pub(super) struct Systems(Vec<(String, Box<dyn System>)>);

/// What [`Systems::seal`] saved.
pub(super) struct SealedAll {
    pub(super) checkpoints: Vec<Checkpoint>,
    /// For each system what it sealed and nobody had been told.
    pub(super) untold: Vec<Vec<RowChange>>,
}

impl Systems {
    pub(super) fn add(&mut self, name: String, system: impl System) {
        self.0.push((name, Box::new(system)));
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &dyn System)> {
        self.0
            .iter()
            .map(|(name, system)| (name.as_str(), &**system))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes the present contents the root. Each row is told with the number of its system, as is each table in the end.
    pub(super) async fn begin(
        &self,
        mut visit: impl FnMut(usize, &std::sync::Arc<Table>, Option<&Row>) + Send,
    ) -> Result<Vec<Checkpoint>> {
        let mut checkpoints = Vec::with_capacity(self.len());
        for (number, (name, system)) in self.iter().enumerate() {
            let mut add = |table: &_, row: &_| visit(number, table, Some(row));
            let root = system.begin(&mut add).await.map_err(failed(name))?;
            root.tables
                .iter()
                .for_each(|table| visit(number, table, None));
            checkpoints.push(root.checkpoint);
        }
        Ok(checkpoints)
    }

    /// What changed in each since the position, at one moment.
    ///
    /// A system that tells nothing new was the same all the time since it was asked before. So if only the first one has news, the
    /// answers hold at the moment when it was asked; if a later one has, those before it are asked again, and unless they have
    /// news too the answers hold at its moment.
    pub(super) async fn changes(&self) -> Result<Vec<Vec<RowChange>>> {
        let mut told = vec![Vec::new(); self.len()];
        let mut since = None;
        loop {
            match self.ask(&mut told, self.len()).await? {
                None | Some(0) => return Ok(told),
                Some(last) if self.ask(&mut told, last).await?.is_none() => return Ok(told),
                Some(_) => self.expect_rest(&mut since)?,
            }
        }
    }

    /// Asks the first few what changed, and returns the number of the last one that had news.
    async fn ask(&self, told: &mut [Vec<RowChange>], few: usize) -> Result<Option<usize>> {
        let mut last = None;
        for (number, (name, system)) in self.iter().enumerate().take(few) {
            let changes = system.changes().await.map_err(failed(name))?;
            if told[number] != changes {
                told[number] = changes;
                last = Some(number);
            }
        }
        Ok(last)
    }

    /// Saves all of them as one checkpoint.
    ///
    /// What a system seals beyond what it told came while they were sealed, and its counterpart in one before it may have missed that one's
    /// checkpoint. Then all are sealed anew.
    pub(super) async fn seal(&self) -> Result<SealedAll> {
        let mut all = SealedAll {
            checkpoints: Vec::new(),
            untold: vec![Vec::new(); self.len()],
        };
        let mut since = None;
        loop {
            let mut torn = false;
            let mut checkpoints = Vec::with_capacity(self.len());
            for (number, (name, system)) in self.iter().enumerate() {
                let sealed = system.seal().await.map_err(failed(name))?;
                checkpoints.push(sealed.checkpoint);
                torn |= number > 0 && !sealed.untold.is_empty();
                all.untold[number].extend(sealed.untold);
            }
            self.release(&std::mem::replace(&mut all.checkpoints, checkpoints));
            if !torn {
                return Ok(all);
            }
            self.expect_rest(&mut since)?;
        }
    }

    fn expect_rest(&self, since: &mut Option<Instant>) -> Result<()> {
        if since.get_or_insert_with(Instant::now).elapsed() < RESTLESS {
            return Ok(());
        }
        let names: Vec<_> = self.iter().map(|(name, _)| format!("`{name}`")).collect();
        Err(Error::set_up(format!(
            "the systems {} did not come to rest together within {RESTLESS:?}: something keeps writing to them; stop it for the \
             tests, or say with `World::quiet_when` when it is done",
            names.join(", ")
        )))
    }

    pub(super) fn can_restore(&self, checkpoints: &[Checkpoint]) -> bool {
        self.first_without_way(checkpoints).is_none()
    }

    /// The first system that cannot go to its checkpoint.
    pub(super) fn first_without_way(&self, checkpoints: &[Checkpoint]) -> Option<&str> {
        let mut systems = self.iter().zip(checkpoints);
        let stuck = systems.find(|((_, system), checkpoint)| !system.can_restore(**checkpoint));
        stuck.map(|((name, _), _)| name)
    }

    /// Restores all of them, and returns what each undid that nobody had been told.
    ///
    /// # Errors
    ///
    /// One of them failed, which leaves the others where they were: the run has to end then, which puts all of them back to
    /// the root.
    pub(super) async fn restore(&self, checkpoints: &[Checkpoint]) -> Result<Vec<Vec<RowChange>>> {
        let mut untold = Vec::with_capacity(self.len());
        for ((name, system), checkpoint) in self.iter().zip(checkpoints) {
            untold.push(system.restore(*checkpoint).await.map_err(failed(name))?);
        }
        Ok(untold)
    }

    pub(super) fn release(&self, checkpoints: &[Checkpoint]) {
        for ((_, system), checkpoint) in self.iter().zip(checkpoints) {
            system.release(*checkpoint);
        }
    }

    /// The memory that checkpoints hold, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.iter().map(|(_, system)| system.memory()).sum()
    }

    /// Puts all of them back and lets go of them, also if some fail.
    ///
    /// # Errors
    ///
    /// What was not put back, each with its reason.
    pub(super) async fn close(&self) -> Result<()> {
        let mut failures = Vec::new();
        for (name, system) in self.iter() {
            if let Err(error) = system.close().await {
                failures.push(failed(name)(error));
            }
        }
        none_of(failures)
    }
}

/// Nothing, if nothing failed, or one error that tells all of them.
pub(super) fn none_of(mut failures: Vec<Error>) -> Result<()> {
    match failures.len() {
        0 => Ok(()),
        1 => Err(failures.remove(0)),
        _ => {
            let reasons: Vec<_> = failures.iter().map(ToString::to_string).collect();
            Err(Error::set_up(reasons.join("; and ")))
        }
    }
}

fn failed(name: &str) -> impl Fn(venomqa_adapters::Error) -> Error {
    let name = name.to_owned();
    move |source| Error::System {
        name: name.clone(),
        source,
    }
}
