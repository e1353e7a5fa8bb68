use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::entry::{Entry, Place};
use super::expiry::tolerance;
use super::value::Kind;

/// How many keys that expire a restore sets right in any case, those first whose time ran down most.
const ALWAYS: usize = 32;

/// What the databases hold, as it was read or written last.
#[derive(Debug, Default)]
pub(super) struct Contents {
    keys: HashMap<Place, Live>,
    /// The keys that expire, by the moment from which a restore has to set them right.
    volatile: BTreeSet<(i64, Place)>,
    streams: BTreeSet<Place>,
}

/// A key in the database.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) entry: Arc<Entry>,
    /// When it expires, by the server's clock in milliseconds.
    pub(super) deadline: Option<i64>,
}

impl Live {
    /// When its time has run down by more than it may.
    fn due(&self) -> Option<i64> {
        let (deadline, remaining) = (self.deadline?, self.entry.stored.remaining?);
        Some(deadline - remaining + tolerance(remaining))
    }
}

impl Contents {
    pub(super) fn get(&self, place: &Place) -> Option<&Live> {
        self.keys.get(place)
    }

    pub(super) fn set(&mut self, place: Place, live: Option<Live>) {
        self.forget(&place);
        let Some(live) = live else { return };
        if let Some(due) = live.due() {
            self.volatile.insert((due, place.clone()));
        }
        if live.entry.kind == Kind::Stream {
            self.streams.insert(place.clone());
        }
        self.keys.insert(place, live);
    }

    fn forget(&mut self, place: &Place) {
        let Some(live) = self.keys.remove(place) else {
            return;
        };
        if let Some(due) = live.due() {
            self.volatile.remove(&(due, place.clone()));
        }
        self.streams.remove(place);
    }

    /// All keys, in order.
    pub(super) fn sorted(&self) -> Vec<(&Place, &Arc<Entry>)> {
        let keys = self.keys.iter();
        let mut sorted: Vec<_> = keys.map(|(place, live)| (place, &live.entry)).collect();
        sorted.sort_unstable_by_key(|(place, _)| *place);
        sorted
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.keys.keys()
    }

    pub(super) fn streams(&self) -> impl Iterator<Item = &Place> {
        self.streams.iter()
    }

    /// The keys whose time is up, though the server may not have removed them yet.
    pub(super) fn lapsed(&self, now: i64) -> impl Iterator<Item = &Place> {
        // Nothing lapses before it is due.
        let due = self.volatile.iter().take_while(move |(due, _)| *due <= now);
        due.map(|(_, place)| place).filter(move |place| {
            let deadline = self.keys[*place].deadline;
            deadline.is_some_and(|deadline| deadline < now)
        })
    }

    /// The keys whose time ran down and is to be set right.
    pub(super) fn run_down(&self, now: i64) -> impl Iterator<Item = &Place> {
        let volatile = self.volatile.iter().enumerate();
        volatile
            .take_while(move |(number, (due, _))| *number < ALWAYS || *due <= now)
            .map(|(_, (_, place))| place)
    }

    /// All keys that expire.
    pub(super) fn volatile(&self) -> impl Iterator<Item = &Place> {
        self.volatile.iter().map(|(_, place)| place)
    }
}
