use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;
use venomqa_adapters::{Row, RowChange, Table};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

use super::canonical::{feed, feed_without, hash_json, named, remove};
use super::{Ignore, Target};
use crate::{Context, Cookies};

/// Turns what was observed into fingerprints: the one place where contents are made canonical and where what the user
/// ignores is left out.
///
/// A fingerprint is the sum of the hashes of everything that is there, modulo 2^128. Sums follow changes: a row that
/// goes is subtracted, a row that comes is added, and equal rows do not cancel, as they would with XOR (AdHash, in Bellare
/// and Micciancio, "A new paradigm for collision-free hashing", 1997).
#[derive(Debug)]
pub(super) struct Identity {
    ignored: Vec<Ignore>,
    /// For each of `ignored` whether it ever left something out.
    used: Vec<bool>,
    context_keys: Option<Vec<String>>,
    /// For each system what is known of its tables.
    tables: Vec<Vec<Known>>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Known {
    table: Arc<Table>,
    seed: u64,
    left_out: bool,
    columns: Vec<Column>,
}

/// What of a column identifies a state.
#[derive(Clone, Debug, PartialEq)]
enum Column {
    All,
    Nothing,
    /// All but these parts of a JSON document.
    Without(Vec<String>),
}

impl Identity {
    pub(super) fn new(ignored: &[Ignore], context_keys: Option<&[String]>, systems: usize) -> Self {
        Self {
            used: vec![false; ignored.len()],
            ignored: ignored.to_vec(),
            context_keys: context_keys.map(<[_]>::to_vec),
            tables: (0..systems).map(|_| Vec::new()).collect(),
            buffer: Vec::new(),
        }
    }

    /// The sum of the rows that came, less that of the rows that went.
    pub(super) fn delta(&mut self, system: usize, changes: &[RowChange]) -> u128 {
        let mut sum = 0_u128;
        for change in changes {
            let known = self.known(system, &change.table);
            if let Some(new) = &change.new {
                sum = sum.wrapping_add(self.row_of(system, known, new));
            }
            if let Some(old) = &change.old {
                sum = sum.wrapping_sub(self.row_of(system, known, old));
            }
        }
        sum
    }

    /// The hash of one row.
    pub(super) fn row(&mut self, system: usize, table: &Arc<Table>, row: &Row) -> u128 {
        let known = self.known(system, table);
        self.row_of(system, known, row)
    }

    /// Takes note of a table, so that what is ignored can be checked against it.
    pub(super) fn note(&mut self, system: usize, table: &Arc<Table>) {
        self.known(system, table);
    }

    /// The hash of the context and the cookies.
    pub(super) fn context(&mut self, context: &Context, cookies: &[Cookies]) -> u128 {
        let mut sum = 0_u128;
        for (key, value) in context.entries() {
            if self
                .context_keys
                .as_ref()
                .is_some_and(|keys| !keys.iter().any(|own| own == key))
            {
                continue;
            }
            let hash = self.without(
                value,
                |target| matches!(target, Target::Context(own) if own == key),
            );
            // That a key is set counts also where its value does not: with a token other actions apply than without one.
            sum = sum.wrapping_add(named(b"context", key, hash.unwrap_or(0)));
        }
        if self.context_keys.is_none() {
            for (api, cookies) in cookies.iter().enumerate() {
                for (role, name, value) in cookies.iter() {
                    let hash = if self.leave_out(|target| *target == Target::Cookies) {
                        0
                    } else {
                        xxh3_128(value.as_bytes())
                    };
                    let name = format!("{api}\0{role}\0{name}");
                    sum = sum.wrapping_add(named(b"cookie", &name, hash));
                }
            }
        }
        sum
    }

    /// The hash of what the user's function observed.
    pub(super) fn observed(&mut self, observed: &Json) -> u128 {
        let hash = self.without(observed, |target| *target == Target::Observed);
        hash.map_or(0, |hash| named(b"observed", "", hash))
    }

    /// Whether a column, or a whole table, is left out.
    pub(super) fn leaves_out(&self, system: usize, table: &Table, column: usize) -> bool {
        let known = self.tables[system]
            .iter()
            .find(|known| *known.table == *table);
        known.is_some_and(|known| known.left_out || known.columns[column] == Column::Nothing)
    }

    /// Whether a place, named as the user names it, is left out, or lies within something that is.
    pub(super) fn ignores(&self, place: &str) -> bool {
        self.ignored.iter().any(|ignore| {
            place
                .strip_prefix(&ignore.text)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// A changed row as a person wants to see it: without the new values of columns that are left out, which say nothing beside others
    /// that changed.
    pub(super) fn without_noise<'a>(
        &self,
        system: usize,
        change: &'a RowChange,
    ) -> Cow<'a, RowChange> {
        let (Some(old), Some(new)) = (&change.old, &change.new) else {
            return Cow::Borrowed(change);
        };
        let changed: Vec<_> = (0..new.len().min(old.len()))
            .filter(|column| old[*column] != new[*column])
            .collect();
        let (noise, telling): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .partition(|column| self.leaves_out(system, &change.table, *column));
        if noise.is_empty() || telling.is_empty() {
            return Cow::Borrowed(change);
        }
        let mut quiet = new.to_vec();
        for column in noise {
            quiet[column] = old[column].clone();
        }
        Cow::Owned(RowChange {
            new: Some(quiet.into()),
            ..change.clone()
        })
    }

    /// Whether a key of the context plays no part.
    pub(super) fn leaves_out_key(&self, key: &str) -> bool {
        self.context_keys
            .as_ref()
            .is_some_and(|keys| !keys.iter().any(|own| own == key))
            || self.ignored.iter().any(|ignore| {
                ignore.pointer.is_none()
                    && matches!(&ignore.target, Target::Context(own) if own == key)
            })
    }

    /// Whether cookies play no part.
    pub(super) fn leaves_out_cookies(&self) -> bool {
        self.context_keys.is_some()
            || self
                .ignored
                .iter()
                .any(|ignore| ignore.target == Target::Cookies)
    }

    /// How the identity of states was narrowed, and what narrowed nothing.
    pub(super) fn notes(&self) -> Vec<String> {
        let list = |used: bool| {
            let chosen = self
                .ignored
                .iter()
                .zip(&self.used)
                .filter(|(_, own)| **own == used);
            chosen
                .map(|(ignore, _)| format!("`{}`", ignore.text))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut notes = Vec::new();
        if self.used.contains(&true) {
            notes.push(format!(
                "left out of what identifies a state: {}",
                list(true)
            ));
        }
        if self.used.contains(&false) {
            notes.push(format!(
                "`ignore` matched nothing: {}; columns are named as in the database (`orders.created_at`)",
                list(false)
            ));
        }
        if let Some(keys) = &self.context_keys {
            notes.push(format!(
                "of the context only {} identify a state",
                keys.join(", ")
            ));
        }
        notes
    }

    fn row_of(&mut self, system: usize, known: usize, row: &Row) -> u128 {
        let known = &self.tables[system][known];
        if known.left_out {
            return 0;
        }
        self.buffer.clear();
        for (value, column) in row.iter().zip(&known.columns) {
            match column {
                Column::All => feed(&mut self.buffer, value),
                Column::Nothing => {}
                Column::Without(pointers) => feed_without(&mut self.buffer, value, pointers),
            }
        }
        xxh3_128_with_seed(&self.buffer, known.seed)
    }

    fn known(&mut self, system: usize, table: &Arc<Table>) -> usize {
        let tables = &mut self.tables[system];
        if let Some(found) = tables
            .iter()
            .position(|known| Arc::ptr_eq(&known.table, table))
        {
            return found;
        }
        if let Some(found) = tables.iter().position(|known| known.table == *table) {
            tables[found].table = Arc::clone(table);
            return found;
        }
        let known = self.look_at(system, table);
        self.tables[system].push(known);
        self.tables[system].len() - 1
    }

    fn look_at(&mut self, system: usize, table: &Arc<Table>) -> Known {
        let left_out =
            self.leave_out(|target| matches!(target, Target::Table(own) if *own == table.name));
        let columns = table.columns.iter().map(|name| {
            let is_it = |target: &Target| {
                matches!(target, Target::Column { table: own, column } if *own == table.name && column == name)
            };
            let mut pointers = Vec::new();
            for (ignore, used) in self.ignored.iter().zip(&mut self.used) {
                if is_it(&ignore.target) {
                    *used = true;
                    match &ignore.pointer {
                        None => return Column::Nothing,
                        Some(pointer) => pointers.push(pointer.clone()),
                    }
                }
            }
            if pointers.is_empty() { Column::All } else { Column::Without(pointers) }
        });
        let columns = columns.collect();
        let seed = xxh3_64(format!("{system}\0{}", table.name).as_bytes());
        Known {
            table: Arc::clone(table),
            seed,
            left_out,
            columns,
        }
    }

    /// Whether something is left out as a whole.
    fn leave_out(&mut self, is_it: impl Fn(&Target) -> bool) -> bool {
        let mut any = false;
        for (ignore, used) in self.ignored.iter().zip(&mut self.used) {
            if ignore.pointer.is_none() && is_it(&ignore.target) {
                *used = true;
                any = true;
            }
        }
        any
    }

    /// The hash of a JSON value without what is left out of it, or `None` if all is.
    fn without(&mut self, value: &Json, is_it: impl Fn(&Target) -> bool) -> Option<u128> {
        if self.leave_out(&is_it) {
            return None;
        }
        let mut pruned = None;
        for (ignore, used) in self.ignored.iter().zip(&mut self.used) {
            if let Some(pointer) = &ignore.pointer
                && is_it(&ignore.target)
            {
                *used = true;
                remove(pruned.get_or_insert_with(|| value.clone()), pointer);
            }
        }
        Some(hash_json(pruned.as_ref().unwrap_or(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use venomqa_adapters::Value;

    fn orders() -> Arc<Table> {
        let columns = ["id", "total", "payload"].map(String::from).to_vec();
        Arc::new(Table {
            name: "orders".into(),
            columns,
            key: vec![0],
        })
    }

    fn row(id: i64, total: Value, payload: &str) -> Row {
        Arc::new([Value::Int(id), total, payload.into()])
    }

    /// Whether the two rows identify the same state when this is ignored.
    fn check(ignored: &[&str], one: &Row, other: &Row, same: bool) {
        let ignored: Vec<_> = ignored.iter().map(|text| Ignore::parse(text)).collect();
        let mut identity = Identity::new(&ignored, None, 1);
        let table = orders();
        assert_eq!(
            identity.row(0, &table, one) == identity.row(0, &table, other),
            same
        );
        assert_eq!(
            identity.notes().len(),
            ignored.len().min(1),
            "{:?}",
            identity.notes()
        );
    }

    #[test]
    fn what_is_ignored_makes_no_difference_and_everything_else_does() {
        let (a, b) = (
            row(1, 5.into(), r#"{"at": 1, "x": 2}"#),
            row(1, 6.into(), r#"{"x": 2, "at": 3}"#),
        );
        check(&[], &a, &b, false);
        check(&["orders.total"], &a, &b, false);
        check(&["orders.total", "orders.payload/at"], &a, &b, true);
        check(&["orders.total", "orders.payload/x"], &a, &b, false);
        check(&["orders"], &a, &b, true);
        check(
            &[],
            &row(1, Value::Int(1), ""),
            &row(1, Value::Float(1.0), ""),
            false,
        );
    }

    #[test]
    fn a_change_and_its_reverse_add_up_to_nothing() {
        let mut identity = Identity::new(&[], None, 1);
        let (old, new) = (row(1, 5.into(), ""), row(1, 6.into(), ""));
        let change = |old: Option<&Row>, new: Option<&Row>| RowChange {
            table: orders(),
            old: old.cloned(),
            new: new.cloned(),
        };
        let there = identity.delta(
            0,
            &[change(Some(&old), Some(&new)), change(None, Some(&old))],
        );
        let back = identity.delta(
            0,
            &[change(Some(&new), Some(&old)), change(Some(&old), None)],
        );
        assert_ne!(there, 0);
        assert_eq!(there.wrapping_add(back), 0);
        let twice = identity.delta(0, &[change(None, Some(&old)), change(None, Some(&old))]);
        assert_ne!(twice, 0, "equal rows must not cancel");
    }

    #[test]
    fn an_ignore_that_matches_nothing_is_told() {
        let mut identity = Identity::new(&[Ignore::parse("order.total")], None, 1);
        identity.note(0, &orders());
        assert!(identity.notes()[0].contains("matched nothing: `order.total`"));
    }

    #[test]
    fn what_is_ignored_is_shown_only_where_nothing_else_changed() {
        let ignored = [Ignore::parse("orders.payload")];
        let mut identity = Identity::new(&ignored, None, 1);
        identity.note(0, &orders());
        let check = |new: Row, shown: &str| {
            let change = RowChange {
                table: orders(),
                old: Some(row(1, 5.into(), "a")),
                new: Some(new),
            };
            assert_eq!(identity.without_noise(0, &change).to_string(), shown);
        };
        check(row(1, 6.into(), "b"), "orders#1: total 5 -> 6");
        check(row(1, 5.into(), "b"), "orders#1: payload a -> b");
    }

    #[test]
    fn the_context_counts_by_contents() {
        let mut identity = Identity::new(&[], None, 0);
        let (mut a, mut b) = (Context::default(), Context::default());
        a.set("x", json!({"p": 1, "q": 2}));
        b.set("x", json!({"q": 2, "p": 1}));
        assert_eq!(identity.context(&a, &[]), identity.context(&b, &[]));
        b.set("x", json!({"p": 2, "q": 1}));
        assert_ne!(identity.context(&a, &[]), identity.context(&b, &[]));
    }
}
