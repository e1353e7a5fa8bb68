//! Every sequence of calls up to a length, and the rules after each of them.

use std::collections::BTreeSet;
use std::io;

use super::rules::{Rule, broken};
use super::server::{ALICE, Answer, Call, Database, Server, call};

/// What alice can do, all to order 1, under the names of the documentation's table.
pub(crate) fn step(name: &str) -> Call<'_> {
    let create = |body| Call {
        body: Some(body),
        ..call("POST", "/orders")
    };
    match name {
        "create" => create(r#"{"amount":100}"#),
        "create_later" => create(r#"{"amount":100,"payment":"later"}"#),
        "create_named" => create(r#"{"amount":100,"reference":"cart-1"}"#),
        "create_keyed" => Call {
            key: Some("k1"),
            ..create(r#"{"amount":100}"#)
        },
        "pay" => call("POST", "/orders/1/pay"),
        "ship" => call("POST", "/orders/1/ship"),
        "refund" => call("POST", "/orders/1/refund"),
        "cancel" => call("POST", "/orders/1/cancel"),
        "delete" => call("DELETE", "/orders/1"),
        _ => unreachable!("{name}"),
    }
}

/// Which ids were deleted and not given away again.
fn note_deleted(deleted: &mut BTreeSet<i64>, name: &str, (status, body): &Answer) {
    assert!((200..500).contains(status), "{name} -> {status} {body}");
    if *status == 204 {
        deleted.insert(1);
    } else if *status == 201 {
        deleted.remove(&body["id"].as_i64().unwrap());
    }
}

pub(crate) type Found = Vec<(Vec<&'static str>, BTreeSet<Rule>)>;

/// Tries every sequence of the steps up to this length, and puts the database back between them under the running server.
/// Goes no further where a rule is broken.
pub(crate) struct Search {
    server: Server,
    database: Database,
    steps: Vec<&'static str>,
    found: Found,
}

impl Search {
    pub(crate) fn run(bugs: &str, steps: &[&'static str], length: usize) -> Found {
        let server = Server::start(bugs, 2);
        let database = Database::open(&server);
        let mut search = Self {
            server,
            database,
            steps: steps.to_vec(),
            found: Vec::new(),
        };
        search.extend(&mut Vec::new(), &BTreeSet::new(), length);
        // Searched depth first.
        search.found.sort_by_key(|(sequence, _)| sequence.len());
        search.found
    }

    fn extend(&mut self, sequence: &mut Vec<&'static str>, deleted: &BTreeSet<i64>, length: usize) {
        if length == 0 {
            return;
        }
        let saved = self.database.save();
        for name in self.steps.clone() {
            let mut deleted = deleted.clone();
            let broken = self.step(name, &mut deleted).unwrap_or_else(|error| {
                assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "no answer in time");
                assert!(
                    self.server
                        .process()
                        .wait()
                        .is_ok_and(|status| !status.success())
                );
                self.server.restart();
                BTreeSet::from([Rule::ServerIsAlive])
            });
            sequence.push(name);
            if broken.is_empty() {
                self.extend(sequence, &deleted, length - 1);
            } else {
                self.found.push((sequence.clone(), broken));
            }
            sequence.pop();
            self.database.restore(&saved);
        }
    }

    fn step(&mut self, name: &str, deleted: &mut BTreeSet<i64>) -> io::Result<BTreeSet<Rule>> {
        let answer = self.server.send(ALICE, step(name))?;
        note_deleted(deleted, name, &answer);
        broken(&mut self.server, deleted)
    }
}
