//! The database: every read, and every change as one committed transaction.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;

use super::auth::User;
use super::bugs::{Bug, Bugs};
use super::config::{Config, StartError};
use super::order::{NewOrder, Order};
use super::refusal::Refusal;

/// References are kept unique by `create`, not by the schema: a schema cannot be switched to be wrong.
const SCHEMA: &str = "
    CREATE TABLE users (
        id      INTEGER PRIMARY KEY,
        name    TEXT    NOT NULL UNIQUE,
        token   TEXT    NOT NULL UNIQUE,
        balance INTEGER NOT NULL DEFAULT 0,
        average INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE orders (
        id              INTEGER PRIMARY KEY,
        user_id         INTEGER NOT NULL REFERENCES users (id),
        reference       TEXT,
        idempotency_key TEXT,
        amount          INTEGER NOT NULL,
        status          TEXT    NOT NULL,
        paid            INTEGER NOT NULL,
        refunded        INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX orders_user ON orders (user_id);
    INSERT INTO users (id, name, token) VALUES (1, 'alice', 'alice-token'), (2, 'bob', 'bob-token');
    PRAGMA user_version = 1;
";

/// The one connection, and how the shop is run.
#[derive(Debug)]
pub(super) struct Store {
    db: Connection,
    bugs: Bugs,
    max_orders: u32,
}

/// What a user's orders add up to, as stored with the user.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    balance: i64,
    average: i64,
}

/// The order that `create` made, or that an earlier request with the same key made.
#[derive(Debug)]
pub(super) enum Created {
    New(Order),
    Before(Order),
}

impl Store {
    /// Opens the database, and makes it if it is not there. Writes nothing to one that is.
    pub(super) fn open(config: &Config) -> Result<Self, StartError> {
        let db = connect(config).map_err(|source| StartError::Database {
            path: config.database.clone(),
            source,
        })?;
        Ok(Self {
            db,
            bugs: config.bugs,
            max_orders: config.max_orders,
        })
    }

    pub(super) fn user(&self, token: &str) -> Result<Option<User>, Refusal> {
        let mut select = self
            .db
            .prepare_cached("SELECT id FROM users WHERE token = ?1")?;
        let user = select.query_row([token], |row| Ok(User { id: row.get(0)? }));
        Ok(user.optional()?)
    }

    pub(super) fn orders(&self, user: User) -> Result<Vec<Order>, Refusal> {
        let mut select = self.db.prepare_cached(if self.bugs.has(Bug::ListDisagrees) {
            "SELECT id, reference, amount, CASE WHEN refunded > 0 THEN 'refunded' ELSE status END, paid, refunded
             FROM orders WHERE user_id = ?1 ORDER BY id"
        } else {
            "SELECT id, reference, amount, status, paid, refunded
             FROM orders WHERE user_id = ?1 ORDER BY id"
        })?;
        let orders = select.query_map([user.id], Order::from_row)?;
        Ok(orders.collect::<rusqlite::Result<_>>()?)
    }

    pub(super) fn order(&self, user: User, id: i64) -> Result<Order, Refusal> {
        if self.bugs.has(Bug::ForeignOrderReadable) {
            let mut select = self.db.prepare_cached(
                "SELECT id, reference, amount, status, paid, refunded FROM orders WHERE id = ?1",
            )?;
            let order = select.query_row([id], Order::from_row).optional()?;
            return order.ok_or_else(|| no_order(id));
        }
        owned(&self.db, user, id)
    }

    pub(super) fn account(&self, user: User) -> Result<Account, Refusal> {
        let mut select = self
            .db
            .prepare_cached("SELECT balance, average FROM users WHERE id = ?1")?;
        let account = select.query_row([user.id], |row| {
            Ok(Account {
                balance: row.get(0)?,
                average: row.get(1)?,
            })
        })?;
        Ok(account)
    }

    pub(super) fn create(
        &mut self,
        user: User,
        new: &NewOrder,
        key: Option<&str>,
    ) -> Result<Created, Refusal> {
        let bugs = self.bugs;
        let max_orders = self.max_orders;
        let tx = self.begin()?;

        if let Some(mut order) = made_with(&tx, user, key)? {
            if (order.amount, &order.reference) != (new.amount, &new.reference) {
                let message =
                    "the Idempotency-Key belongs to a request with another body".to_owned();
                return Err(Refusal::Unprocessable(message));
            }
            if bugs.has(Bug::Idempotency) {
                order.paid += new.charge();
                save(&tx, &order)?;
                add_up(&tx, user, bugs)?;
                tx.commit()?;
            }
            return Ok(Created::Before(order));
        }
        if let Some(reference) = &new.reference
            && !bugs.has(Bug::DuplicateCreate)
            && is_taken(&tx, user, reference)?
        {
            return Err(Refusal::Conflict(format!(
                "there is an order `{reference}` already"
            )));
        }
        if count(&tx)? >= max_orders {
            let message = format!("the shop takes {max_orders} orders at a time");
            return Err(Refusal::Conflict(message));
        }

        let id = lowest_free_id(&tx)?;
        tx.prepare_cached(
            "INSERT INTO orders (id, user_id, reference, idempotency_key, amount, status, paid)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            user.id,
            new.reference,
            key,
            new.amount,
            new.status(),
            new.charge()
        ])?;
        add_up(&tx, user, bugs)?;
        let order = owned(&tx, user, id)?;
        tx.commit()?;
        Ok(Created::New(order))
    }

    pub(super) fn pay(&mut self, user: User, id: i64) -> Result<Order, Refusal> {
        let bugs = self.bugs;
        let tx = self.begin()?;
        let mut order = owned(&tx, user, id)?;
        order.pay()?;
        save(&tx, &order)?;
        add_up(&tx, user, bugs)?;
        tx.commit()?;
        Ok(order)
    }

    pub(super) fn ship(&mut self, user: User, id: i64) -> Result<Order, Refusal> {
        let bugs = self.bugs;
        let tx = self.begin()?;
        let mut order = owned(&tx, user, id)?;
        order.ship(bugs)?;
        save(&tx, &order)?;
        tx.commit()?;
        Ok(order)
    }

    pub(super) fn refund(&mut self, user: User, id: i64) -> Result<Order, Refusal> {
        let bugs = self.bugs;
        let tx = self.begin()?;
        let mut order = owned(&tx, user, id)?;
        order.refund(bugs)?;
        save(&tx, &order)?;
        add_up(&tx, user, bugs)?;
        tx.commit()?;
        Ok(order)
    }

    pub(super) fn cancel(&mut self, user: User, id: i64) -> Result<Order, Refusal> {
        let bugs = self.bugs;
        let tx = self.begin()?;
        let mut order = owned(&tx, user, id)?;
        order.cancel(bugs)?;
        save(&tx, &order)?;
        if !bugs.has(Bug::StaleState) {
            add_up(&tx, user, bugs)?;
        }
        tx.commit()?;
        Ok(order)
    }

    pub(super) fn delete(&mut self, user: User, id: i64) -> Result<(), Refusal> {
        let bugs = self.bugs;
        let tx = self.begin()?;
        owned(&tx, user, id)?.check_deletable()?;
        tx.prepare_cached("DELETE FROM orders WHERE id = ?1")?
            .execute([id])?;
        add_up(&tx, user, bugs)?;
        if bugs.has(Bug::GhostAfterDelete) {
            // Dropped without a commit, the transaction is rolled back.
            return Ok(());
        }
        tx.commit()?;
        Ok(())
    }

    /// Takes the write lock at once: what the transaction reads is then still true when it writes.
    fn begin(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.db
            .transaction_with_behavior(TransactionBehavior::Immediate)
    }
}

fn connect(config: &Config) -> rusqlite::Result<Connection> {
    let mut db = Connection::open(&config.database)?;
    db.busy_timeout(Duration::from_secs(5))?;
    db.set_prepared_statement_cache_capacity(32);
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
    )?;
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(SCHEMA)?;
        tx.commit()?;
    }
    Ok(db)
}

/// Writes down what the user's orders add up to. Every change of an order's money has to call it.
fn add_up(tx: &Transaction<'_>, user: User, bugs: Bugs) -> rusqlite::Result<()> {
    let (orders, amounts, balance): (i64, i64, i64) = tx
        .prepare_cached(
            "SELECT count(*), coalesce(sum(amount), 0), coalesce(sum(paid - refunded), 0)
             FROM orders WHERE user_id = ?1",
        )?
        .query_row([user.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let average = if bugs.has(Bug::Crash) {
        amounts / orders
    } else {
        amounts.checked_div(orders).unwrap_or(0)
    };
    tx.prepare_cached("UPDATE users SET balance = ?2, average = ?3 WHERE id = ?1")?
        .execute([user.id, balance, average])?;
    Ok(())
}

fn owned(db: &Connection, user: User, id: i64) -> Result<Order, Refusal> {
    let mut select = db.prepare_cached(
        "SELECT id, reference, amount, status, paid, refunded FROM orders WHERE id = ?1 AND user_id = ?2",
    )?;
    let order = select
        .query_row([id, user.id], Order::from_row)
        .optional()?;
    order.ok_or_else(|| no_order(id))
}

fn no_order(id: i64) -> Refusal {
    Refusal::NotFound(format!("there is no order {id}"))
}

fn made_with(
    tx: &Transaction<'_>,
    user: User,
    key: Option<&str>,
) -> Result<Option<Order>, Refusal> {
    let mut select = tx.prepare_cached(
        "SELECT id, reference, amount, status, paid, refunded
         FROM orders WHERE user_id = ?1 AND idempotency_key = ?2",
    )?;
    Ok(select
        .query_row(params![user.id, key], Order::from_row)
        .optional()?)
}

fn is_taken(tx: &Transaction<'_>, user: User, reference: &str) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT 1 FROM orders WHERE user_id = ?1 AND reference = ?2")?
        .exists(params![user.id, reference])
}

fn count(tx: &Transaction<'_>) -> rusqlite::Result<u32> {
    tx.prepare_cached("SELECT count(*) FROM orders")?
        .query_row([], |row| row.get(0))
}

/// Not the highest id plus one: with deletes between, that would never come back to a state it has been in.
fn lowest_free_id(tx: &Transaction<'_>) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "SELECT min(candidate) FROM (SELECT 1 AS candidate UNION ALL SELECT id + 1 FROM orders)
         WHERE candidate NOT IN (SELECT id FROM orders)",
    )?
    .query_row([], |row| row.get(0))
}

fn save(tx: &Transaction<'_>, order: &Order) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE orders SET status = ?2, paid = ?3, refunded = ?4 WHERE id = ?1")?
        .execute(params![order.id, order.status, order.paid, order.refunded])?;
    Ok(())
}
