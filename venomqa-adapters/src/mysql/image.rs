use std::sync::Arc;

use mysql_async::Row as SqlRow;

use super::column::Column;
use crate::{Row, Value};

/// A row exactly as the binary log has it: a bit for each column that is NULL, then the cells of the others.
///
/// Equal rows have equal bytes, so this is what tells rows apart, with a key or without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Image(Arc<[u8]>);

impl Image {
    /// The row that these bytes begin with, and what follows it.
    pub(super) fn split_off<'a>(columns: &[Column], bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (nulls, mut rest) = bytes.split_at_checked(columns.len().div_ceil(8))?;
        for (at, column) in columns.iter().enumerate() {
            if !is_null(nulls, at) {
                rest = rest.get(column.kind.size(rest)?..)?;
            }
        }
        let mut image = bytes[..bytes.len() - rest.len()].to_vec();
        set_unused(&mut image, columns.len());
        let image = Self(image.into());
        match columns.iter().any(|column| column.kind.is_ambiguous()) {
            true => Some((image.equal(columns)?, rest)),
            false => Some((image, rest)),
        }
    }

    /// The same row as it is written here.
    fn equal(&self, columns: &[Column]) -> Option<Self> {
        let mut image = self.0[..columns.len().div_ceil(8)].to_vec();
        for (column, cell) in columns.iter().zip(self.cells(columns)) {
            if let Some(cell) = cell {
                column.kind.push_equal(cell, &mut image)?;
            }
        }
        Some(Self(image.into()))
    }

    /// The row of a result of which these are the [selected](Column::selected) columns, from the first on.
    ///
    /// `Err` names a column whose value is none of its type.
    pub(super) fn selected<'a>(columns: &'a [Column], row: &SqlRow) -> Result<Self, &'a str> {
        let mut image = vec![0; columns.len().div_ceil(8)];
        set_unused(&mut image, columns.len());
        for (at, column) in columns.iter().enumerate() {
            let pushed = match row.as_ref(at) {
                None => None,
                Some(mysql_async::Value::NULL) => {
                    image[at / 8] |= 1 << (at % 8);
                    Some(())
                }
                Some(value) => column.push_cell(value, &mut image),
            };
            pushed.ok_or(column.name.as_str())?;
        }
        Ok(Self(image.into()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The cells by column, `None` for NULL.
    pub(super) fn cells<'a>(
        &'a self,
        columns: &'a [Column],
    ) -> impl Iterator<Item = Option<&'a [u8]>> {
        let (nulls, mut rest) = self.0.split_at(columns.len().div_ceil(8));
        columns.iter().enumerate().map(move |(at, column)| {
            if is_null(nulls, at) {
                return None;
            }
            let size = column.kind.size(rest).unwrap_or(rest.len());
            let (cell, after) = rest.split_at(size);
            rest = after;
            Some(cell)
        })
    }

    /// What the row means, in some of its columns.
    pub(super) fn row(&self, columns: &[Column], told: &[bool]) -> Row {
        let cells = self.cells(columns).zip(columns).zip(told);
        cells
            .filter(|(_, told)| **told)
            .map(|((cell, column), _)| cell.map_or(Value::Null, |cell| column.kind.value(cell)))
            .collect()
    }
}

fn is_null(nulls: &[u8], at: usize) -> bool {
    nulls
        .get(at / 8)
        .is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}

/// Bits that stand for no column are set.
fn set_unused(image: &mut [u8], columns: usize) {
    if let (Some(last), 1..) = (image.get_mut(columns / 8), columns % 8) {
        *last |= 0xff << (columns % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::charset::Charset;
    use crate::mysql::column::Kind;

    fn columns() -> Vec<Column> {
        let (bytes, unsigned) = (4, false);
        let (octets, charset) = (20, Charset::Utf8);
        let kinds = [
            Kind::Int { bytes, unsigned },
            Kind::VarChar { octets, charset },
        ];
        let column = |kind| Column {
            name: "c".into(),
            kind,
            nullable: true,
            generated: false,
        };
        kinds.map(column).into()
    }

    #[test]
    fn a_row_is_split_off_what_follows() {
        let bytes = [0b1111_1100, 7, 0, 0, 0, 2, b'h', b'i', 0b10, 9];
        let (image, rest) = Image::split_off(&columns(), &bytes).expect("a row");
        assert_eq!(rest, [0b10, 9]);
        assert_eq!(
            *image.row(&columns(), &[true, true]),
            [7.into(), "hi".into()]
        );
        assert_eq!(*image.row(&columns(), &[false, true]), ["hi".into()]);
        assert_eq!(Image::split_off(&columns(), rest), None);
    }

    #[test]
    fn bits_of_no_column_do_not_tell_rows_apart() {
        let (set, _) = Image::split_off(&columns(), &[0xff]).expect("a row");
        let (clear, _) = Image::split_off(&columns(), &[0b11]).expect("a row");
        assert_eq!(set, clear);
        assert_eq!(
            *set.row(&columns(), &[true, true]),
            [Value::Null, Value::Null]
        );
    }
}
