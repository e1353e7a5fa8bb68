use std::cmp::Ordering;

/// A place in the binary log of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The name of a file, which ends in its number.
    pub(super) file: String,
    pub(super) offset: u64,
}

impl Position {
    /// The end of the log, as the server shows it.
    pub(super) fn shown(rows: Vec<mysql_async::Row>) -> Option<Self> {
        let mut row = rows.into_iter().next()?;
        let (file, offset) = (row.take(0)?, row.take(1)?);
        Some(Self { file, offset })
    }

    fn number(&self) -> u64 {
        let number = self.file.rsplit('.').next();
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |position: &Self| (position.number(), position.offset);
        place(self).cmp(&place(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_in_the_order_of_their_numbers() {
        let at = |file: &str, offset| Position {
            file: file.into(),
            offset,
        };
        assert!(at("binlog.999999", 900) < at("binlog.1000000", 4));
        assert!(at("binlog.000002", 4) < at("binlog.000002", 5));
    }
}
