use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream as _;
use mysql_async::prelude::Queryable;
use mysql_async::{BinlogStream, BinlogStreamRequest, Conn, Opts};

use super::event::{Event, Map, Rows, What};
use super::image::Image;
use super::position::Position;
use super::schema::Plan;
use super::stop::Stop;

/// How long the server may keep silent before what it still owes is taken for lost.
const SILENCE: Duration = Duration::from_secs(10);

/// The flag of events that are in no file.
const ARTIFICIAL: u16 = 0x20;

/// The binary log of a server, followed as a replica does.
pub(super) struct Stream {
    events: BinlogStream,
    at: Position,
    /// What the numbers of tables stand for in the rows that follow.
    maps: HashMap<u64, Mapped>,
    /// The tables with rows in the transaction that is being read.
    touched: BTreeSet<usize>,
    /// The transactions with such rows that are prepared, but neither committed nor rolled back.
    prepared: BTreeSet<String>,
    /// Where a transaction ends that was compressed and is not read to its end yet.
    compressed: Option<u64>,
}

/// A table of which rows may come.
struct Mapped {
    database: String,
    table: String,
    /// Its number, and whether its rows have the expected shape.
    followed: Option<(usize, bool)>,
}

/// What the log said.
#[derive(Debug, Default)]
pub(super) struct News {
    /// More or fewer rows: the table, the row, by how many.
    pub(super) rows: Vec<(usize, Image, i64)>,
    /// Tables of which more may have changed than that.
    pub(super) suspects: BTreeSet<usize>,
    /// Statements of which nobody knows what they changed.
    pub(super) statements: Vec<String>,
}

impl Stream {
    /// Follows the log from a position on.
    pub(super) async fn open(opts: &Opts, at: Position) -> Result<Self, Stop> {
        let mut conn = Conn::new(opts.clone()).await?;
        // A server of MariaDB sends a replica that knows transaction numbers all events as they are. The heartbeat tells that
        // the log was written on by what is not sent.
        conn.query_drop("SET @mariadb_slave_capability = 4, @master_heartbeat_period = 1000000000, wait_timeout = 2147483, net_write_timeout = 3600")
            .await?;
        let request = BinlogStreamRequest::new(replica_id(conn.id()))
            .with_filename(at.file.as_bytes())
            .with_pos(at.offset);
        let events = conn.get_binlog_stream(request).await?;
        Ok(Self {
            events,
            at: at.clone(),
            maps: HashMap::new(),
            touched: BTreeSet::new(),
            prepared: BTreeSet::new(),
            compressed: None,
        })
    }

    /// A transaction of which the rows came, but not yet whether they stay.
    pub(super) fn prepared(&self) -> Option<&String> {
        self.prepared.first()
    }

    /// Up to where the log was read.
    pub(super) fn at(&self) -> &Position {
        &self.at
    }

    /// Reads on up to a position.
    pub(super) async fn read_until(&mut self, end: &Position, plan: &Plan) -> Result<News, Stop> {
        if *end < self.at {
            // The server began its log anew.
            return Err(Stop::lost());
        }
        let mut news = News::default();
        while self.at < *end {
            // Heartbeats come all the time, but do not count.
            let from = self.at.clone();
            let read = async {
                while self.at == from {
                    self.read_one(plan, &mut news).await?;
                }
                Ok(())
            };
            let read = tokio::time::timeout(SILENCE, read).await;
            read.unwrap_or_else(|_| Err(Stop::lost()))?;
        }
        Ok(news)
    }

    async fn read_one(&mut self, plan: &Plan, news: &mut News) -> Result<(), Stop> {
        let next = std::future::poll_fn(|context| Pin::new(&mut self.events).poll_next(context));
        let event = next.await.ok_or_else(Stop::lost)??;
        let header = event.header();
        let parsed = Event::parse(header.event_type_raw(), event.data());
        let is_inside = self.compressed.is_some();
        match parsed.unwrap_or(Event::Unknown) {
            // One that no file has repeats what is known.
            Event::Rotate { .. } if header.flags_raw() & ARTIFICIAL != 0 => return Ok(()),
            Event::Rotate { file, position } => {
                let offset = position;
                self.at = Position { file, offset };
                return Ok(());
            }
            Event::Map(map) => self.map(&map, plan),
            Event::Rows(rows) => self.rows(&rows, plan, news),
            Event::Query {
                database,
                statement,
            } => self.query(database, statement, plan, news),
            Event::Commit => self.end_transaction(),
            Event::Prepare { name } => {
                if !self.touched.is_empty() {
                    self.prepared.insert(name);
                }
                self.end_transaction();
            }
            Event::Compressed => {
                self.compressed = Some(header.log_pos().into());
                return Ok(());
            }
            Event::Nothing => {}
            Event::Unknown => {
                let number = header.event_type_raw();
                news.statements
                    .push(format!("event {number} of the binary log"));
            }
        }
        if header.log_pos() != 0 && !is_inside {
            self.at.offset = header.log_pos().into();
        }
        Ok(())
    }

    fn map(&mut self, map: &Map<'_>, plan: &Plan) {
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (database, table) = (name(map.database), name(map.table));
        let followed = (database == plan.database)
            .then(|| plan.table(&table))
            .flatten();
        let followed =
            followed.map(|(number, table)| (number, map.columns.starts_with(&table.signature)));
        let mapped = Mapped {
            database,
            table,
            followed,
        };
        self.maps.insert(map.id, mapped);
    }

    fn rows(&mut self, rows: &Rows<'_>, plan: &Plan, news: &mut News) {
        let Some(mapped) = self.maps.get(&rows.id) else {
            return;
        };
        let mut changes = Vec::new();
        if let Some((number, as_expected)) = mapped.followed {
            self.touched.insert(number);
            match images(rows, plan, number).filter(|_| as_expected && rows.complete) {
                Some(images) => changes = images,
                None => {
                    news.suspects.insert(number);
                }
            }
        }
        if rows.follows_keys && rows.what != What::Insert {
            let parent = (&mapped.database, &mapped.table);
            let cascades = plan.cascades.iter();
            for cascade in
                cascades.filter(|cascade| (&cascade.parent.0, &cascade.parent.1) == parent)
            {
                let silent = match rows.what {
                    What::Insert => false,
                    What::Delete => cascade.on_delete,
                    What::Update => {
                        cascade.on_update && key_changed(&changes, &cascade.columns, plan)
                    }
                };
                if silent {
                    cascade.suspect(plan, &mut news.suspects);
                }
            }
        }
        news.rows.extend(changes);
    }

    fn begin_transaction(&mut self) {
        self.touched.clear();
        // Every statement tells the shapes of its tables again.
        self.maps.clear();
    }

    fn end_transaction(&mut self) {
        self.begin_transaction();
        if let Some(end) = self.compressed.take() {
            self.at.offset = end;
        }
    }

    fn query(&mut self, database: &[u8], statement: &[u8], plan: &Plan, news: &mut News) {
        let text = String::from_utf8_lossy(statement);
        let words = text.trim_start().to_ascii_uppercase();
        let starts = |word: &str| words.starts_with(word);
        if starts("BEGIN") || starts("XA START") {
            self.begin_transaction();
        } else if words == "COMMIT" {
            self.end_transaction();
        } else if starts("ROLLBACK") {
            // What was written before is in the log all the same.
            news.suspects.extend(&self.touched);
            if words == "ROLLBACK" {
                self.end_transaction();
            }
        } else if starts("XA COMMIT") || starts("XA ROLLBACK") {
            // Any connection may end it, in any database. Its rows came when it was prepared, which may be long ago.
            news.suspects.extend(plan.all());
            self.prepared.retain(|name| !text.contains(name));
        } else if !starts("SAVEPOINT")
            && !starts("XA END")
            && !starts("RELEASE SAVEPOINT")
            && concerns(database, &text, plan)
        {
            match truncated(&text, database, plan) {
                Some(table) => {
                    news.suspects.insert(table);
                }
                None => news.statements.push(text.into_owned()),
            }
        }
    }
}

/// A number that no other replica of ours has on this server, which would hang up on one of two with the same.
fn replica_id(connection: u32) -> u32 {
    0x8000_0000 | connection
}

/// The rows of an event, by how many there are more of each.
fn images(rows: &Rows<'_>, plan: &Plan, number: usize) -> Option<Vec<(usize, Image, i64)>> {
    let columns = &plan.tables[number].columns;
    let mut changes = Vec::new();
    let mut rest = rows.images;
    while !rest.is_empty() {
        let (image, after) = Image::split_off(columns, rest)?;
        let is_old = match rows.what {
            What::Insert => false,
            What::Delete => true,
            What::Update => changes.len() % 2 == 0,
        };
        changes.push((number, image, if is_old { -1 } else { 1 }));
        rest = after;
    }
    Some(changes)
}

/// Whether an update changed a key to which other rows refer, or nobody knows.
fn key_changed(changes: &[(usize, Image, i64)], key: &[usize], plan: &Plan) -> bool {
    if key.is_empty() || changes.is_empty() {
        return true;
    }
    changes.chunks(2).any(|pair| match pair {
        [(number, old, _), (_, new, _)] => {
            let columns = &plan.tables[*number].columns;
            let mut cells = old.cells(columns).zip(new.cells(columns)).enumerate();
            cells.any(|(at, (old, new))| key.contains(&at) && old != new)
        }
        _ => true,
    })
}

/// Whether a statement can have changed our database: it ran there or names it.
fn concerns(database: &[u8], statement: &str, plan: &Plan) -> bool {
    let lower = |text: &str| text.to_lowercase();
    let ours = lower(&plan.database);
    lower(&String::from_utf8_lossy(database)) == ours
        || lower(statement).contains(&ours)
        || lower(statement).contains(&ours.replace('`', "``"))
}

/// The table that a statement empties, if it is one that does just that.
fn truncated(statement: &str, database: &[u8], plan: &Plan) -> Option<usize> {
    let mut words = statement.trim_end_matches(';').split_ascii_whitespace();
    let is = |word: Option<&str>, expected: &str| {
        word.is_some_and(|word| word.eq_ignore_ascii_case(expected))
    };
    if !is(words.next(), "TRUNCATE") || database != plan.database.as_bytes() {
        return None;
    }
    let mut name = words.next()?;
    if is(Some(name), "TABLE") {
        name = words.next()?;
    }
    let bare = name
        .strip_prefix('`')
        .and_then(|name| name.strip_suffix('`'));
    let (number, _) = plan.table(bare.unwrap_or(name))?;
    words.next().is_none().then_some(number)
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
