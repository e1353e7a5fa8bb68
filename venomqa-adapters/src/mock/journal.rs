use std::collections::BTreeMap;

use imbl::OrdMap;

use super::schema::{Place, Schema};
use crate::{Checkpoint, Row, RowChange, Sealed, tell};

/// Everything that a checkpoint keeps. A copy shares what did not change.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) schema: Schema,
    pub(super) rows: OrdMap<Place, Row>,
    /// The last hidden number given to a row of a table without a key.
    pub(super) last_hidden: i64,
}

/// The live state, the position, and the checkpoints.
#[derive(Debug, Default)]
pub(super) struct Journal {
    live: State,
    position: State,
    /// The live state when the changes were told last, and where it was written since.
    told: State,
    untold: Vec<Place>,
    /// Where the live state was written since the position.
    written: Vec<Place>,
    checkpoints: Vec<Option<State>>,
    memory: usize,
}

impl Journal {
    pub(super) fn live(&self) -> &State {
        &self.live
    }

    pub(super) fn schema_mut(&mut self) -> &mut Schema {
        &mut self.live.schema
    }

    pub(super) fn next_hidden(&mut self) -> i64 {
        self.live.last_hidden += 1;
        self.live.last_hidden
    }

    pub(super) fn put(&mut self, place: Place, row: Row) {
        self.untold.push(place.clone());
        self.live.rows.insert(place, row);
    }

    pub(super) fn remove(&mut self, place: &Place) -> bool {
        self.untold.push(place.clone());
        self.live.rows.remove(place).is_some()
    }

    /// Takes back what was written since a copy of the live state. The places stay noted, which does no harm.
    pub(super) fn put_back(&mut self, live: State) {
        self.live = live;
    }

    pub(super) fn begin(&mut self) -> Checkpoint {
        self.checkpoints.clear();
        self.memory = 0;
        self.untold.clear();
        self.written.clear();
        self.seal().checkpoint
    }

    pub(super) fn changes(&mut self) -> Vec<RowChange> {
        if self.settle() {
            self.told = self.live.clone();
        }
        net(&self.position, &self.live, &self.written)
    }

    pub(super) fn seal(&mut self) -> Sealed {
        let untold = self.untold();
        self.settle();
        // What a copy of the map cannot share: about a leaf for each row that was written.
        self.memory += size_of::<State>() + self.written.len() * 800;
        self.written.clear();
        self.position = self.live.clone();
        self.told = self.live.clone();
        self.checkpoints.push(Some(self.live.clone()));
        Sealed {
            checkpoint: Checkpoint(self.checkpoints.len() as u64 - 1),
            untold,
        }
    }

    pub(super) fn get(&self, checkpoint: Checkpoint) -> Option<&State> {
        let at = usize::try_from(checkpoint.0).ok()?;
        self.checkpoints.get(at)?.as_ref()
    }

    /// Goes to a state that [`get`](Self::get) returned, and tells what nobody had been told.
    pub(super) fn restore(&mut self, to: State) -> Vec<RowChange> {
        let untold = self.untold();
        self.untold.clear();
        self.written.clear();
        self.live = to.clone();
        self.told = to.clone();
        self.position = to;
        untold
    }

    pub(super) fn release(&mut self, checkpoint: Checkpoint) {
        let Ok(at) = usize::try_from(checkpoint.0) else {
            return;
        };
        if let Some(state) = self.checkpoints.get_mut(at)
            && state.take().is_some()
        {
            let each = self.memory / self.checkpoints.len();
            self.memory = self.memory.saturating_sub(each);
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.checkpoints = Vec::new();
        self.memory = 0;
    }

    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// The net changes since the changes were told last.
    fn untold(&mut self) -> Vec<RowChange> {
        self.untold.sort_unstable();
        self.untold.dedup();
        net(&self.told, &self.live, &self.untold)
    }

    /// Adds what was written since the last look to `written`; false if nothing was.
    fn settle(&mut self) -> bool {
        if self.untold.is_empty() {
            return false;
        }
        self.written.append(&mut self.untold);
        self.written.sort_unstable();
        self.written.dedup();
        true
    }
}

/// The net changes between two states that differ at most at these places, which are sorted.
fn net(old: &State, new: &State, places: &[Place]) -> Vec<RowChange> {
    let mut changes = Vec::with_capacity(places.len());
    let mut without_key = BTreeMap::<u32, (Vec<Row>, Vec<Row>)>::new();
    for place in places {
        let (old, now) = (old.rows.get(place), new.rows.get(place));
        if old == now {
            continue;
        }
        let table = new.schema.table(place.table);
        if table.key.is_empty() {
            let (gone, come) = without_key.entry(place.table).or_default();
            gone.extend(old.cloned());
            come.extend(now.cloned());
        } else {
            changes.push(RowChange {
                table: table.clone(),
                old: old.cloned(),
                new: now.cloned(),
            });
        }
    }
    for (table, (gone, come)) in without_key {
        changes.extend(tell(new.schema.table(table), gone, come));
    }
    changes
}
