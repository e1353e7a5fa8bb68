use std::cmp::Ordering;
use std::sync::Arc;

use crate::{Row, RowChange, Table};

/// The changes of one table as the contract wants them told, given the rows that went and those that came.
///
/// A row that both went and came is left out. Rows with the same key are one change. The order, and which row is paired with
/// which, depend on the rows alone, never on where a database keeps them.
pub fn tell(table: &Arc<Table>, gone: Vec<Row>, come: Vec<Row>) -> Vec<RowChange> {
    let by_key = |a: &Row, b: &Row| {
        let keys = table.key.iter().map(|&column| a[column].cmp(&b[column]));
        keys.fold(Ordering::Equal, Ordering::then)
    };
    let sorted = |mut rows: Vec<Row>| {
        rows.sort_unstable_by(|a, b| by_key(a, b).then_with(|| a.cmp(b)));
        rows
    };
    let (gone, come) = without_common(sorted(gone), sorted(come), |a, b| {
        by_key(a, b).then_with(|| a.cmp(b))
    });

    let mut changes = Vec::with_capacity(gone.len().max(come.len()));
    let (mut gone, mut come) = (gone.into_iter().peekable(), come.into_iter().peekable());
    loop {
        let order = match (gone.peek(), come.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            // Without a key nothing says that one row became the other.
            (Some(old), Some(new)) if table.key.is_empty() => old.cmp(new),
            (Some(old), Some(new)) => by_key(old, new),
        };
        changes.push(RowChange {
            table: table.clone(),
            old: gone.next_if(|_| order.is_le()),
            new: come.next_if(|_| order.is_ge()),
        });
    }
}

/// Two sorted lists without the pairs of equal elements.
fn without_common(
    left: Vec<Row>,
    right: Vec<Row>,
    order: impl Fn(&Row, &Row) -> Ordering,
) -> (Vec<Row>, Vec<Row>) {
    let (mut only_left, mut only_right) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        match order(a, b) {
            Ordering::Less => only_left.extend(left.next()),
            Ordering::Greater => only_right.extend(right.next()),
            Ordering::Equal => {
                left.next();
                right.next();
            }
        }
    }
    only_left.extend(left);
    only_right.extend(right);
    (only_left, only_right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &[usize], gone: &[[i32; 2]], come: &[[i32; 2]], told: &[&str]) {
        let table = Arc::new(Table {
            name: "t".into(),
            columns: vec!["a".into(), "b".into()],
            key: key.to_vec(),
        });
        let rows = |rows: &[[i32; 2]]| rows.iter().map(|row| row.map(Into::into).into()).collect();
        let lines: Vec<_> = tell(&table, rows(gone), rows(come))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lines, told);
    }

    #[test]
    fn rows_with_one_key_are_one_change() {
        check(
            &[0],
            &[[1, 5], [2, 7]],
            &[[1, 6]],
            &["t#1: b 5 -> 6", "t#2 removed"],
        );
    }

    #[test]
    fn a_row_that_moved_did_not_change() {
        check(&[0], &[[1, 5]], &[[1, 5]], &[]);
        check(&[], &[[1, 5], [1, 5]], &[[1, 5]], &["t removed: a 1, b 5"]);
    }

    #[test]
    fn without_a_key_an_update_is_two_changes() {
        check(
            &[],
            &[[1, 6]],
            &[[1, 5]],
            &["t added: a 1, b 5", "t removed: a 1, b 6"],
        );
    }

    #[test]
    fn the_order_of_arrival_does_not_show() {
        let told = &["t#1 removed", "t#2: b 1 -> 2", "t#3 added: b 0"];
        check(&[0], &[[2, 1], [1, 1]], &[[3, 0], [2, 2]], told);
        check(&[0], &[[1, 1], [2, 1]], &[[2, 2], [3, 0]], told);
    }
}
