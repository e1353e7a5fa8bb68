//! Rows on their way back: statements that feed the server events of a binary log, as if it had sent them itself.
//!
//! Rows written this way fire no triggers and follow no foreign keys, and their bytes are not converted on the way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::event::{
    DELETE, DELETE_2, END_OF_STATEMENT, FORMAT, INSERT, INSERT_2, NO_FOREIGN_KEYS, TABLE_MAP,
};
use super::journal::Place;
use super::link::Link;
use super::schema::{Plan, TablePlan, push_length};
use super::server::Server;
use crate::database::history::Delta;

/// How many bytes of events a statement has before another one begins, if the server takes as much.
const STATEMENT: usize = 256 * 1024;

/// How many events a format describes, and how long the heads of those are that are sent here.
const EVENTS: usize = 171;
const HEADS: [(u8, u8); 8] = [
    (FORMAT, 84),
    (TABLE_MAP, 8),
    (INSERT, 8),
    (24, 8),
    (DELETE, 8),
    (INSERT_2, 10),
    (31, 10),
    (DELETE_2, 10),
];

/// The statement that makes a session understand the others.
pub(super) fn format(server: &Server) -> String {
    let mut body = 4_u16.to_le_bytes().to_vec();
    let mut version = server.version.clone().into_bytes();
    version.resize(50, 0);
    body.extend(version);
    body.extend([0; 4]);
    body.push(19);
    let mut heads = [0; EVENTS];
    for (event, head) in HEADS {
        heads[usize::from(event) - 1] = head;
    }
    body.extend(heads);
    // Without checksums.
    body.extend([0; 5]);
    let mut events = Vec::new();
    push_event(&mut events, FORMAT, &body);
    statement(&events)
}

/// The statements that go a way: first all rows that go, then all that come.
pub(super) fn statements(link: &Link, plan: &Plan, way: &Delta<Place, i64>) -> Vec<String> {
    let mut writer = Writer {
        server: &link.server,
        limit: STATEMENT.min(link.packet / 4),
        plan,
        statements: Vec::new(),
        events: Vec::new(),
    };
    for goes in [true, false] {
        let mut rows = Vec::new();
        let mut table = None;
        for (place, change) in way {
            let by = change.new.unwrap_or(0) - change.old.unwrap_or(0);
            if (by < 0) != goes {
                continue;
            }
            if table != Some(place.table) {
                writer.flush(table, goes, &mut rows);
                table = Some(place.table);
            }
            for _ in 0..by.unsigned_abs() {
                rows.extend_from_slice(place.image.bytes());
                if rows.len() >= writer.limit {
                    writer.flush(table, goes, &mut rows);
                }
            }
        }
        writer.flush(table, goes, &mut rows);
    }
    writer.end();
    writer.statements
}

struct Writer<'a> {
    server: &'a Server,
    limit: usize,
    plan: &'a Plan,
    statements: Vec<String>,
    events: Vec<u8>,
}

impl Writer<'_> {
    /// Adds the rows of a table.
    fn flush(&mut self, table: Option<usize>, goes: bool, rows: &mut Vec<u8>) {
        let (Some(number), false) = (table, rows.is_empty()) else {
            return;
        };
        let table = &self.plan.tables[number];
        let id = &(number as u64 + 1).to_le_bytes()[..6];
        push_event(
            &mut self.events,
            TABLE_MAP,
            &map(&self.plan.database, table, id),
        );
        let mut body = id.to_vec();
        body.extend((END_OF_STATEMENT | NO_FOREIGN_KEYS).to_le_bytes());
        let event = match (self.server.is_mariadb, goes) {
            (true, true) => DELETE,
            (true, false) => INSERT,
            (false, true) => DELETE_2,
            (false, false) => INSERT_2,
        };
        if !self.server.is_mariadb {
            body.extend(2_u16.to_le_bytes());
        }
        push_length(&mut body, table.columns.len());
        push_bits(&mut body, table.columns.iter().map(|_| true));
        body.append(rows);
        push_event(&mut self.events, event, &body);
        if self.events.len() >= self.limit {
            self.end();
        }
    }

    fn end(&mut self) {
        if !self.events.is_empty() {
            self.statements.push(statement(&self.events));
            self.events.clear();
        }
    }
}

fn map(database: &str, table: &TablePlan, id: &[u8]) -> Vec<u8> {
    let mut body = id.to_vec();
    body.extend([1, 0]);
    for name in [database, &table.name] {
        body.push(name.len() as u8);
        body.extend(name.as_bytes());
        body.push(0);
    }
    body.extend(&table.signature);
    push_bits(
        &mut body,
        table.columns.iter().map(|column| column.nullable),
    );
    body
}

fn push_bits(out: &mut Vec<u8>, bits: impl Iterator<Item = bool>) {
    let bits: Vec<_> = bits.collect();
    out.extend(bits.chunks(8).map(|bits| {
        let bits = bits.iter().enumerate();
        bits.fold(0, |byte, (at, bit)| byte | u8::from(*bit) << at)
    }));
}

fn push_event(out: &mut Vec<u8>, event: u8, body: &[u8]) {
    let size = 19 + body.len() as u32;
    out.extend(0_u32.to_le_bytes());
    out.push(event);
    out.extend(1_u32.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend([0; 6]);
    out.extend_from_slice(body);
}

fn statement(events: &[u8]) -> String {
    format!("BINLOG '{}'", STANDARD.encode(events))
}
