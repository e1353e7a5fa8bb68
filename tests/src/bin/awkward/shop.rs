use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::mishap::Mishap;
use crate::quirks::Quirks;
use crate::wire::{Reply, Request};

/// The shop: a handful of orders that can be refunded once, shipped and deleted, and notes.
pub(crate) struct Shop {
    quirks: Quirks,
    db: Arc<Mutex<Connection>>,
    /// What was refunded by order, as this process remembers it.
    cache: Mutex<HashMap<String, i64>>,
    /// The refunds since this process started.
    refunds: AtomicU64,
    /// The orders since this process started.
    created: AtomicU64,
    jobs: Arc<AtomicU64>,
}

impl Shop {
    pub(crate) fn open(quirks: Quirks) -> Self {
        let db = match std::env::var("DATABASE_PATH") {
            Ok(path) => Connection::open(path),
            Err(_) => Connection::open_in_memory(),
        };
        let db = db.expect("a database");
        db.busy_timeout(Duration::from_secs(5)).expect("a timeout");
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
             CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, amount INTEGER NOT NULL, refunded INTEGER NOT NULL DEFAULT 0,
                                                shipped INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL DEFAULT 0);
             CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, user TEXT NOT NULL, password TEXT NOT NULL);",
        )
        .expect("the schema");
        Self {
            quirks,
            db: Arc::new(Mutex::new(db)),
            cache: Mutex::default(),
            refunds: AtomicU64::new(0),
            created: AtomicU64::new(0),
            jobs: Arc::default(),
        }
    }

    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let path: Vec<_> = request.path.trim_matches('/').split('/').collect();
        if self.quirks.value("all") == Some("401") && path != ["health"] {
            return Reply::of(401, json!({ "error": "who are you?" }));
        }
        if self.quirks.has("echo_credentials") && path != ["health"] {
            println!(
                "{} {} authorization: {}",
                request.method, request.path, request.authorization
            );
        }
        match (request.method.as_str(), &path[..]) {
            ("GET", ["health"]) => Reply::of(200, json!("ok")),
            ("GET", ["orders"]) => Reply::of(200, self.orders()),
            ("POST", ["orders"]) => self.create(),
            ("POST", ["orders", id, "refund"]) => self.refund(id),
            ("POST", ["orders", id, "ship"]) => self.ship(id),
            ("DELETE", ["orders", id]) => {
                let gone = self.db().execute("DELETE FROM orders WHERE id = ?", [id]);
                found(gone.expect("a delete"))
            }
            ("POST", ["notes"]) => self.note(),
            ("GET", ["notes"]) => {
                let count = self
                    .db()
                    .query_row("SELECT count(*) FROM notes", [], |row| row.get::<_, i64>(0));
                Reply::of(200, json!(count.expect("a count")))
            }
            ("GET", ["jobs"]) => Reply::of(200, json!(self.jobs.load(SeqCst))),
            ("POST", ["reset"]) => {
                self.db()
                    .execute_batch("DELETE FROM orders; DELETE FROM notes;")
                    .expect("a reset");
                Reply::of(200, json!({}))
            }
            ("POST", ["login"]) => {
                if self.quirks.has("store_tokens") {
                    let remember = "INSERT OR REPLACE INTO sessions VALUES ('token-from-the-server-4711', 'alice', ?)";
                    let password = request.body["password"].as_str().unwrap_or_default();
                    self.db().execute(remember, [password]).expect("an insert");
                }
                Reply::Json {
                    status: 200,
                    body: json!({ "password": request.body["password"], "token": "token-from-the-server-4711" }),
                    headers: vec!["set-cookie: session=cookie-from-the-server-0815; Path=/".into()],
                }
            }
            ("GET", ["me"]) if request.cookie.is_empty() => Reply::of(401, json!({})),
            ("GET", ["me"]) => Reply::of(200, json!({ "name": "alice" })),
            ("POST", ["die"]) => Reply::Mishap(Mishap::Exit),
            _ => Reply::of(404, json!({ "error": "no such thing" })),
        }
    }

    fn orders(&self) -> Value {
        let worn_out = self
            .quirks
            .number("worn_out_after")
            .is_some_and(|most| self.refunds.load(SeqCst) >= most);
        let db = self.db();
        let mut query = db
            .prepare("SELECT id, amount, refunded, shipped FROM orders ORDER BY id")
            .expect("a query");
        let rows = query.query_map([], |row| {
            let refunded: i64 = row.get(2)?;
            Ok(json!({
                "id": row.get::<_, String>(0)?,
                "amount": row.get::<_, i64>(1)?,
                "refunded": if worn_out { 999 } else { refunded },
                "shipped": row.get::<_, bool>(3)?,
            }))
        });
        rows.expect("a query")
            .map(|row| row.expect("a row"))
            .collect()
    }

    fn create(&self) -> Reply {
        let db = self.db();
        let count: i64 = db
            .query_row("SELECT count(*) FROM orders", [], |row| row.get(0))
            .expect("a count");
        if count >= self.quirks.number("limit").unwrap_or(1) as i64 {
            return Reply::of(409, json!({ "error": "too many orders" }));
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time")
            .as_nanos();
        let id = if self.quirks.has("random_ids") {
            format!("{:x}-{:x}", now, std::process::id())
        } else if self.quirks.has("count_ids") {
            (self.created.fetch_add(1, SeqCst) + 1).to_string()
        } else {
            (count + 1).to_string()
        };
        let created_at = if self.quirks.has("times") {
            now as i64
        } else {
            0
        };
        let made = db.execute(
            "INSERT OR IGNORE INTO orders (id, amount, created_at) VALUES (?, 100, ?)",
            params![id, created_at],
        );
        if made.expect("an insert") == 0 {
            return Reply::of(409, json!({ "error": "there is one of this name" }));
        }
        lock(&self.cache).insert(id.clone(), 0);
        let mut made = json!({ "id": id, "amount": 100 });
        if created_at != 0 {
            made["created_at"] = created_at.into();
        }
        Reply::of(201, made)
    }

    fn refund(&self, id: &str) -> Reply {
        let stored = self
            .db()
            .query_row("SELECT refunded FROM orders WHERE id = ?", [id], |row| {
                row.get::<_, i64>(0)
            });
        let Ok(stored) = stored else {
            return Reply::of(404, json!({ "error": "no such order" }));
        };
        let remembered = lock(&self.cache).get(id).copied().unwrap_or(stored);
        let refunded = if self.quirks.has("cache") {
            remembered
        } else {
            stored
        };
        if refunded > 0 {
            if let Some(mishap) = self.quirks.value("second_refund")
                && mishap != "allowed"
            {
                return Reply::Mishap(Mishap::named(mishap));
            }
            if !self.quirks.has("second_refund") {
                return Reply::of(409, json!({ "error": "refunded already" }));
            }
        }
        self.refunds.fetch_add(1, SeqCst);
        lock(&self.cache).insert(id.into(), refunded + 100);
        let done = self.db().execute(
            "UPDATE orders SET refunded = refunded + 100 WHERE id = ?",
            [id],
        );
        found(done.expect("an update"))
    }

    fn ship(&self, id: &str) -> Reply {
        let update = "UPDATE orders SET shipped = 1 WHERE id = ?";
        let Some(delay) = self.quirks.number("ship_after_ms") else {
            return found(self.db().execute(update, [id]).expect("an update"));
        };
        let (db, jobs, id) = (Arc::clone(&self.db), Arc::clone(&self.jobs), id.to_owned());
        jobs.fetch_add(1, SeqCst);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(delay));
            lock(&db).execute(update, [id]).expect("an update");
            jobs.fetch_sub(1, SeqCst);
        });
        Reply::of(202, json!({}))
    }

    fn note(&self) -> Reply {
        let db = self.db();
        let count: i64 = db
            .query_row("SELECT count(*) FROM notes", [], |row| row.get(0))
            .expect("a count");
        if count >= 1 && !self.quirks.has("many_notes") {
            return Reply::of(409, json!({}));
        }
        db.execute("INSERT INTO notes (text) VALUES ('noted')", [])
            .expect("an insert");
        Reply::of(201, json!({}))
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        lock(&self.db)
    }
}

/// What somebody else does who has the shop's file open.
pub(crate) fn write_from_outside(file: &str) {
    let db = Connection::open(file).expect("the shop's file");
    db.busy_timeout(Duration::from_secs(5)).expect("a timeout");
    db.execute("INSERT INTO notes (text) VALUES ('from outside')", [])
        .expect("an insert");
}

fn found(rows: usize) -> Reply {
    match rows {
        0 => Reply::of(404, json!({ "error": "no such order" })),
        _ => Reply::of(200, json!({})),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panicked")
}
