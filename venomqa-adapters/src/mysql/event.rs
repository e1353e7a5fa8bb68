//! What a server sends a replica: the events of its binary log, as far as they matter here.

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// The log goes on in another file.
    Rotate { file: String, position: u64 },
    /// The shape of a table of which rows follow.
    Map(Map<'a>),
    /// Rows of a table.
    Rows(Rows<'a>),
    /// A statement as text, with the database in which it ran.
    Query {
        database: &'a [u8],
        statement: &'a [u8],
    },
    /// The transaction is committed.
    Commit,
    /// The transaction is prepared: another connection may end it, by this name.
    Prepare { name: String },
    /// A whole transaction follows that was compressed. Its events have no place of their own in the log.
    Compressed,
    /// Nothing that changes rows.
    Nothing,
    /// Something that may change rows, but is not understood.
    Unknown,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Map<'a> {
    pub(super) id: u64,
    pub(super) database: &'a [u8],
    pub(super) table: &'a [u8],
    /// How many columns, of which types, with what sizes; and what follows that.
    pub(super) columns: &'a [u8],
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows<'a> {
    /// The map that tells their table.
    pub(super) id: u64,
    pub(super) what: What,
    /// Whether the session had foreign keys checked and followed.
    pub(super) follows_keys: bool,
    /// Whether every column of every row is there.
    pub(super) complete: bool,
    /// One after the other; of an update the old row and the new one in turn.
    pub(super) images: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Insert,
    Update,
    Delete,
}

/// The flags of rows.
pub(super) const END_OF_STATEMENT: u16 = 1;
pub(super) const NO_FOREIGN_KEYS: u16 = 2;

/// Numbers of events.
pub(super) const FORMAT: u8 = 15;
pub(super) const TABLE_MAP: u8 = 19;
pub(super) const INSERT: u8 = 23;
pub(super) const DELETE: u8 = 25;
/// As the two before, but with room for more in their head: MySQL writes these.
pub(super) const INSERT_2: u8 = 30;
pub(super) const DELETE_2: u8 = 32;

impl<'a> Event<'a> {
    /// Reads an event, unless its bytes end too early.
    pub(super) fn parse(code: u8, data: &'a [u8]) -> Option<Self> {
        let mut data = Bytes(data);
        Some(match code {
            2 => {
                data.take(8)?;
                let database = data.number(1)?;
                data.take(2)?;
                let status = data.number(2)?;
                data.take(status)?;
                let database = data.take(database)?;
                data.take(1)?;
                let statement = data.0;
                Self::Query {
                    database,
                    statement,
                }
            }
            4 => {
                let position = data.number(8)? as u64;
                let file = String::from_utf8_lossy(data.0).into_owned();
                Self::Rotate { file, position }
            }
            16 => Self::Commit,
            38 => {
                let is_committed = data.number(1)? == 1;
                let format = data.number(4)?;
                let (first, second) = (data.number(4)?, data.number(4)?);
                let (first, second) = (data.take(first)?, data.take(second)?);
                match is_committed {
                    true => Self::Commit,
                    // As statements in the log have it.
                    false => Self::Prepare {
                        name: format!("X'{}',X'{}',{format}", hex(first), hex(second)),
                    },
                }
            }
            40 => Self::Compressed,
            TABLE_MAP => {
                let id = data.number(6)? as u64;
                data.take(2)?;
                let database = data.name()?;
                let table = data.name()?;
                let columns = data.0;
                Self::Map(Map {
                    id,
                    database,
                    table,
                    columns,
                })
            }
            INSERT..=DELETE => Self::Rows(rows(code - INSERT, data)?),
            INSERT_2..=DELETE_2 => {
                let (head, rest) = data.0.split_at_checked(8)?;
                let mut rest = Bytes(rest);
                // It counts the two bytes of its own.
                let more = rest.number(2)?.checked_sub(2)?;
                rest.take(more)?;
                Self::Rows(rows_of(code - INSERT_2, head, rest)?)
            }
            // What begins and ends a file or a connection, what accompanies a statement that is sent itself, comments,
            // heartbeats, and the numbers of transactions.
            3 | 5 | 13 | 14 | FORMAT | 27..=29 | 33..=37 | 41 | 42 | 160..=164 => Self::Nothing,
            _ => Self::Unknown,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn rows(what: u8, mut data: Bytes<'_>) -> Option<Rows<'_>> {
    let head = data.take(8)?;
    rows_of(what, head, data)
}

fn rows_of<'a>(what: u8, head: &[u8], mut data: Bytes<'a>) -> Option<Rows<'a>> {
    let mut head = Bytes(head);
    let id = head.number(6)? as u64;
    let flags = head.number(2)? as u16;
    let what = match what {
        0 => What::Insert,
        1 => What::Update,
        _ => What::Delete,
    };
    let columns = data.length()?;
    let mut complete = true;
    for _ in 0..if what == What::Update { 2 } else { 1 } {
        let present = data.take(columns.div_ceil(8))?;
        let count: u32 = present.iter().map(|byte| byte.count_ones()).sum();
        complete &= count as usize >= columns;
    }
    Some(Rows {
        id,
        what,
        follows_keys: flags & NO_FOREIGN_KEYS == 0,
        complete,
        images: data.0,
    })
}

/// Bytes that are read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (these, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(these)
    }

    fn number(&mut self, size: usize) -> Option<usize> {
        let bytes = self.take(size)?.iter().rev();
        Some(bytes.fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// A length in one byte or, if it is long, in those after the first.
    fn length(&mut self) -> Option<usize> {
        match self.number(1)? {
            252 => self.number(2),
            253 => self.number(3),
            254 => self.number(8),
            short => Some(short),
        }
    }

    /// A name that ends in a zero.
    fn name(&mut self) -> Option<&'a [u8]> {
        let length = self.number(1)?;
        let name = self.take(length)?;
        self.take(1)?;
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_read_with_its_database() {
        let data = b"\0\0\0\0\0\0\0\0\x04\0\0\x02\0SSshop\0TRUNCATE t";
        let (database, statement) = (&b"shop"[..], &b"TRUNCATE t"[..]);
        assert_eq!(
            Event::parse(2, data),
            Some(Event::Query {
                database,
                statement
            })
        );
    }

    #[test]
    fn rows_of_both_servers_are_read() {
        let expected = |complete| {
            Some(Event::Rows(Rows {
                id: 7,
                what: What::Delete,
                follows_keys: true,
                complete,
                images: &[0xfc, 1],
            }))
        };
        let mariadb = [7, 0, 0, 0, 0, 0, 1, 0, 2, 0b11, 0xfc, 1];
        assert_eq!(Event::parse(25, &mariadb), expected(true));
        let mysql = [7, 0, 0, 0, 0, 0, 1, 0, 4, 0, 9, 9, 2, 0b01, 0xfc, 1];
        assert_eq!(Event::parse(32, &mysql), expected(false));
    }

    #[test]
    fn what_ends_early_is_no_event() {
        for code in [2, 4, 19, 23, 24, 31] {
            assert_eq!(Event::parse(code, &[9, 0]), None, "{code}");
        }
        assert_eq!(Event::parse(166, &[]), Some(Event::Unknown));
    }
}
