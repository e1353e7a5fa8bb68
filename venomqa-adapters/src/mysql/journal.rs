use std::collections::BTreeMap;

use super::image::Image;
use super::schema::Plan;
use crate::database::history::{Change, Delta, add, add_reversed};
use crate::{RowChange, tell};

/// All rows of one table that are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) table: usize,
    pub(super) image: Image,
}

/// What changed, as numbers of equal rows, each relative to the root: 1 is one more than the root has.
///
/// Numbers need no key, and they add up in any order.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Where the live state differs from the root.
    live: BTreeMap<Place, i64>,
    /// From the position to the live state.
    pub(super) delta: Delta<Place, i64>,
    /// From what was told last to the live state.
    pub(super) untold: Delta<Place, i64>,
}

impl Journal {
    /// More or fewer rows were found.
    pub(super) fn count(&mut self, place: Place, by: i64) {
        let change = self.step(&place, by);
        add(&mut self.untold, place.clone(), change.clone());
        add(&mut self.delta, place, change);
    }

    fn step(&mut self, place: &Place, by: i64) -> Change<i64> {
        let old = self.live.get(place).copied();
        let new = Some(old.unwrap_or(0) + by).filter(|number| *number != 0);
        match new {
            Some(number) => self.live.insert(place.clone(), number),
            None => self.live.remove(place),
        };
        Change { old, new }
    }

    /// A table was compared with the root: these are all places where it differs.
    pub(super) fn found(&mut self, table: usize, differs: BTreeMap<Image, i64>) {
        let known = self.live.keys().filter(|place| place.table == table);
        let gone: Vec<_> = known
            .filter(|place| !differs.contains_key(&place.image))
            .cloned()
            .collect();
        let come = differs
            .into_iter()
            .map(|(image, number)| (Place { table, image }, number));
        let gone = gone.into_iter().map(|place| (place, 0));
        for (place, number) in come.chain(gone).collect::<Vec<_>>() {
            let by = number - self.live.get(&place).copied().unwrap_or(0);
            if by != 0 {
                self.count(place, by);
            }
        }
    }

    /// Whether a way from the live state was gone, by where tables that were compared differ from the root now.
    pub(super) fn went(
        way: &Delta<Place, i64>,
        differs: &BTreeMap<usize, BTreeMap<Image, i64>>,
    ) -> bool {
        way.iter().all(|(place, change)| {
            let images = differs.get(&place.table);
            images.is_some_and(|images| images.get(&place.image).copied() == change.new)
        })
    }

    /// The live state was moved by us: what nobody was told stays untold.
    pub(super) fn moved(&mut self, way: &Delta<Place, i64>) {
        for (place, change) in way {
            let by = change.new.unwrap_or(0) - change.old.unwrap_or(0);
            let change = self.step(place, by);
            add(&mut self.delta, place.clone(), change);
        }
    }

    /// The way from the live state to another, given the way from the position to it.
    pub(super) fn way(&self, from_position: Delta<Place, i64>) -> Delta<Place, i64> {
        let mut way = Delta::new();
        add_reversed(&mut way, &self.delta);
        for (place, change) in from_position {
            add(&mut way, place, change);
        }
        way
    }

    /// The live state is the position now.
    pub(super) fn arrived(&mut self) {
        self.delta.clear();
        self.untold.clear();
    }

    /// The way from the live state to the root.
    pub(super) fn way_to_root(&self) -> Delta<Place, i64> {
        let live = self.live.iter();
        live.map(|(place, number)| {
            let (old, new) = (Some(*number), None);
            (place.clone(), Change { old, new })
        })
        .collect()
    }
}

/// The changes as the contract wants them told.
pub(super) fn told(plan: &Plan, delta: &Delta<Place, i64>) -> Vec<RowChange> {
    let mut tables = BTreeMap::<usize, (Vec<_>, Vec<_>)>::new();
    for (place, change) in delta {
        let table = &plan.tables[place.table];
        let (gone, come) = tables.entry(place.table).or_default();
        let by = change.new.unwrap_or(0) - change.old.unwrap_or(0);
        let row = place.image.row(&table.columns, &table.told);
        let rows = if by < 0 { gone } else { come };
        rows.extend(std::iter::repeat_n(row, by.unsigned_abs() as usize));
    }
    let tables = tables.into_iter();
    tables
        .flat_map(|(table, (gone, come))| tell(&plan.tables[table].table, gone, come))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::charset::Charset;
    use crate::mysql::column::{Column, Kind};

    fn place(text: &str) -> Place {
        let (octets, charset) = (9, Charset::Utf8);
        let column = Column {
            name: "c".into(),
            kind: Kind::VarChar { octets, charset },
            nullable: false,
            generated: false,
        };
        let mut bytes = vec![0, text.len() as u8];
        bytes.extend(text.bytes());
        let (image, _) = Image::split_off(&[column], &bytes).expect("a row");
        Place { table: 0, image }
    }

    fn check(delta: &Delta<Place, i64>, expected: &[(&str, Option<i64>, Option<i64>)]) {
        let expected = expected
            .iter()
            .map(|&(text, old, new)| (place(text), Change { old, new }));
        assert_eq!(*delta, expected.collect());
    }

    #[test]
    fn what_came_back_did_not_change() {
        let mut journal = Journal::default();
        journal.count(place("a"), 1);
        journal.count(place("b"), -2);
        journal.count(place("a"), -1);
        check(&journal.delta, &[("b", None, Some(-2))]);
        check(&journal.way_to_root(), &[("b", Some(-2), None)]);
    }

    #[test]
    fn a_comparison_finds_what_was_not_counted() {
        let mut journal = Journal::default();
        journal.count(place("a"), 1);
        journal.untold.clear();
        journal.found(0, [(place("b").image, 3)].into());
        check(&journal.delta, &[("b", None, Some(3))]);
        check(
            &journal.untold,
            &[("a", Some(1), None), ("b", None, Some(3))],
        );
    }

    #[test]
    fn what_we_moved_stays_untold() {
        let mut journal = Journal::default();
        journal.count(place("a"), 1);
        let way = journal.way(Delta::new());
        check(&way, &[("a", Some(1), None)]);
        journal.moved(&way);
        check(&journal.delta, &[]);
        check(&journal.untold, &[("a", None, Some(1))]);
    }

    #[test]
    fn a_comparison_tells_whether_a_commit_was_the_last_that_was_heard_of() {
        let mut journal = Journal::default();
        journal.count(place("a"), 1);
        let way = journal.way(Delta::new());
        assert!(Journal::went(&way, &[(0, BTreeMap::new())].into()));
        assert!(!Journal::went(
            &way,
            &[(0, [(place("a").image, 1)].into())].into()
        ));
    }
}
