//! What a test is, and what most of them ask.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use libtest_mimic::Trial;
use venomqa_adapters::{Checkpoint, Error, Result, RowChange, System};
use venomqa_tests::Page;
use venomqa_tests::servers::Postgres;

use crate::bench::{Bench, in_database};

/// A small schema with a few orders.
pub(crate) const ORDERS: &str = "
    CREATE TABLE orders (id serial PRIMARY KEY, status text, paid int NOT NULL DEFAULT 0);
    CREATE TABLE notes (line text);
    INSERT INTO orders (status, paid) VALUES ('new', 0), ('paid', 100)";

/// What a test is: something to do with a database.
pub(crate) type Test = for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Tests that are told by their name, their schema, and what they do.
pub(crate) fn trials(
    server: &Arc<LazyLock<Postgres>>,
    tests: &'static [(&str, &str, Test)],
) -> Vec<Trial> {
    let trial = |&(name, schema, test): &(&'static str, &'static str, Test)| {
        let server = server.clone();
        Trial::test(name, move || {
            in_database(&server, schema, async |bench| test(bench).await)
        })
    };
    tests.iter().map(trial).collect()
}

pub(crate) async fn begin(system: &dyn System) -> Result<Checkpoint> {
    Ok(system.begin(&mut |_, _| {}).await?.checkpoint)
}

pub(crate) fn lines(changes: &[RowChange]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

/// The page of the guide shows this, for a database called `orders`.
#[track_caller]
pub(crate) fn page_shows(bench: &Bench, error: &Error) {
    Page::of("postgres").shows(&error.to_string().replace(&bench.name, "orders"));
}
