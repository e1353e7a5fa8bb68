//! Looks at databases without the help of the adapter.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use redis::{Cmd, Connection, ConnectionLike, Value as Reply, cmd};
use venomqa_adapters::conformance::Contents;
use venomqa_adapters::{Row, Value};

/// An independent connection for some databases of one server.
pub(crate) struct Looker {
    connection: Connection,
    databases: Vec<u32>,
}

/// What is told of one key, and what must be put back of it.
struct Seen {
    kind: String,
    value: Value,
    /// Milliseconds; negative for a key that does not expire.
    left: i64,
    /// What is not told but put back.
    hidden: String,
}

impl Looker {
    pub(crate) fn open(url: &str, databases: &[u32]) -> Self {
        let client = redis::Client::open(url).unwrap();
        Self {
            connection: client.get_connection().unwrap(),
            databases: databases.to_vec(),
        }
    }

    pub(crate) fn ask<T: redis::FromRedisValue>(&mut self, command: &mut Cmd) -> T {
        self.attempt(command).unwrap()
    }

    pub(crate) fn attempt<T: redis::FromRedisValue>(
        &mut self,
        command: &mut Cmd,
    ) -> redis::RedisResult<T> {
        command.query(&mut self.connection)
    }

    /// The answers to several commands, one each.
    pub(crate) fn pipelined(&mut self, commands: &[Cmd]) -> Vec<Reply> {
        if commands.is_empty() {
            return Vec::new();
        }
        let mut pipeline = redis::pipe();
        for command in commands {
            pipeline.add_command(command.clone());
        }
        let packed = pipeline.get_packed_pipeline();
        self.connection
            .req_packed_commands(&packed, 0, commands.len())
            .unwrap()
    }

    fn look(&mut self, database: u32) -> BTreeMap<Vec<u8>, Seen> {
        self.ask::<()>(cmd("SELECT").arg(database));
        let mut keys: Vec<Vec<u8>> = self.ask(cmd("KEYS").arg("*"));
        keys.sort();
        let types: Vec<_> = keys.iter().map(|key| cmd("TYPE").arg(key).take()).collect();
        let kinds = self
            .pipelined(&types)
            .into_iter()
            .map(|answer| redis::from_redis_value(answer).unwrap());
        let kinds: Vec<String> = kinds.collect();
        let mut readings = Vec::new();
        for (key, kind) in keys.iter().zip(&kinds) {
            readings.push(cmd("PTTL").arg(key).take());
            readings.push(match kind.as_str() {
                "string" => cmd("GET").arg(key).take(),
                "hash" => cmd("HGETALL").arg(key).take(),
                "list" => cmd("LRANGE").arg(key).arg(0).arg(-1).take(),
                "set" => cmd("SORT").arg(key).arg("ALPHA").take(),
                "zset" => cmd("ZRANGE")
                    .arg(key)
                    .arg(0)
                    .arg(-1)
                    .arg("WITHSCORES")
                    .take(),
                "stream" => cmd("XINFO")
                    .arg("STREAM")
                    .arg(key)
                    .arg("FULL")
                    .arg("COUNT")
                    .arg(0)
                    .take(),
                other => panic!("{other}"),
            });
        }
        let answers = self.pipelined(&readings);
        let pairs = answers.chunks(2).zip(keys.into_iter().zip(kinds));
        pairs
            .map(|(pair, (key, kind))| {
                let left = redis::from_redis_value_ref(&pair[0]).unwrap();
                let (value, hidden) = told(&kind, &pair[1]);
                let seen = Seen {
                    kind,
                    value,
                    left,
                    hidden,
                };
                (key, seen)
            })
            .collect()
    }

    /// The keys as rows, as the adapter has to tell them.
    pub(crate) fn contents(&mut self) -> Contents {
        let mut contents = Contents::new();
        for database in self.databases.clone() {
            let rows = self.look(database).into_iter().map(|(key, seen)| -> Row {
                // The workloads use these times only.
                let expires: Value = match seen.left {
                    left if left < 0 => Value::Null,
                    left if left <= 1_800_000 => "within 30 min".into(),
                    left if left <= 3_600_000 => "within 1 h".into(),
                    _ => "within 2 h".into(),
                };
                Arc::new([text_or_bytes(&key), seen.kind.into(), seen.value, expires])
            });
            contents.insert(format!("db{database}"), rows.collect());
        }
        contents
    }

    /// Everything: keys, types, values with what is hidden about them, and the time left, rounded.
    pub(crate) fn dump(&mut self) -> String {
        let mut dump = String::new();
        for database in self.databases.clone() {
            for (key, seen) in self.look(database) {
                let key = key.escape_ascii();
                let left = if seen.left < 0 {
                    -1
                } else {
                    (seen.left + 50_000) / 100_000
                };
                writeln!(
                    dump,
                    "{database} {key} {} {:?} {} left {left}",
                    seen.kind, seen.value, seen.hidden
                )
                .unwrap();
            }
        }
        dump
    }
}

fn text_or_bytes(bytes: &[u8]) -> Value {
    String::from_utf8(bytes.to_vec()).map_or_else(|_| bytes.into(), Value::from)
}

/// The value as it is told, and what of the answer is not.
fn told(kind: &str, answer: &Reply) -> (Value, String) {
    let strings = || -> Vec<Vec<u8>> { redis::from_redis_value_ref(answer).unwrap() };
    let pairs = || -> Vec<(String, String)> {
        let flat: Vec<_> = strings().iter().map(|bytes| quoted(bytes)).collect();
        flat.chunks(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .collect()
    };
    let listed = |items: Vec<String>| items.join(", ");
    let text = match kind {
        "string" => {
            let mut bytes: Vec<u8> = redis::from_redis_value_ref(answer).unwrap();
            if bytes.starts_with(b"HYLL") {
                bytes[8..16].fill(0);
            }
            return (text_or_bytes(&bytes), String::new());
        }
        "list" => format!(
            "[{}]",
            listed(strings().iter().map(|item| quoted(item)).collect())
        ),
        "set" => {
            let mut members = strings();
            members.sort();
            format!(
                "{{{}}}",
                listed(members.iter().map(|item| quoted(item)).collect())
            )
        }
        "hash" => {
            let flat = strings();
            let mut fields: Vec<_> = flat.chunks(2).collect();
            fields.sort();
            let shown = fields
                .iter()
                .map(|pair| format!("{}: {}", quoted(&pair[0]), quoted(&pair[1])));
            format!("{{{}}}", listed(shown.collect()))
        }
        "zset" => {
            let shown = pairs().into_iter().map(|(member, score)| {
                let score: f64 = score.trim_matches('"').parse().unwrap();
                format!("{member}: {score}")
            });
            format!("{{{}}}", listed(shown.collect()))
        }
        _ => return stream(answer),
    };
    (text.into(), String::new())
}

fn quoted(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => shown.extend(['\\', c]),
                '\n' => shown.push_str("\\n"),
                c if c.is_control() => write!(shown, "\\u{{{:x}}}", c as u32).unwrap(),
                c => shown.push(c),
            }
        }
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").unwrap();
        }
    }
    format!("\"{shown}\"")
}

fn stream(answer: &Reply) -> (Value, String) {
    let get = |map: &Reply, name: &str| -> Reply {
        let mut fields = map.as_map_iter().unwrap();
        let found =
            fields.find(|(key, _)| redis::from_redis_value_ref::<String>(key).unwrap() == name);
        found
            .unwrap_or_else(|| panic!("{name} in {map:?}"))
            .1
            .clone()
    };
    let text = |value: &Reply| -> String { redis::from_redis_value_ref(value).unwrap() };
    let bytes = |value: &Reply| -> Vec<u8> { redis::from_redis_value_ref(value).unwrap() };
    let items = |value: &Reply| -> Vec<Reply> { value.as_sequence().unwrap().to_vec() };
    let mut hidden = String::new();
    let entries: Vec<_> = items(&get(answer, "entries"))
        .iter()
        .map(|entry| {
            let parts = items(entry);
            let fields: Vec<_> = items(&parts[1])
                .iter()
                .map(|field| quoted(&bytes(field)))
                .collect();
            let fields: Vec<_> = fields
                .chunks(2)
                .map(|pair| format!("{}: {}", pair[0], pair[1]))
                .collect();
            format!("{} {{{}}}", text(&parts[0]), fields.join(", "))
        })
        .collect();
    let mut shown = format!(
        "[{}], last {}, added {}, deleted up to {}",
        entries.join(", "),
        text(&get(answer, "last-generated-id")),
        text(&get(answer, "entries-added")),
        text(&get(answer, "max-deleted-entry-id"))
    );
    let mut groups = Vec::new();
    for group in items(&get(answer, "groups")) {
        let mut consumers = Vec::new();
        for consumer in items(&get(&group, "consumers")) {
            consumers.push(bytes(&get(&consumer, "name")));
            write!(hidden, "{:?} ", get(&consumer, "pending")).unwrap();
        }
        consumers.sort();
        let consumers: Vec<_> = consumers.iter().map(|name| quoted(name)).collect();
        let pending: Vec<_> = items(&get(&group, "pending"))
            .iter()
            .map(|entry| {
                let parts = items(entry);
                write!(hidden, "{:?} ", parts[2]).unwrap();
                format!(
                    "{} of {} ({} deliveries)",
                    text(&parts[0]),
                    quoted(&bytes(&parts[1])),
                    text(&parts[3])
                )
            })
            .collect();
        let read = match get(&group, "entries-read") {
            Reply::Nil => String::new(),
            count => format!(" ({} read)", text(&count)),
        };
        groups.push(format!(
            "group {} at {}{read} of {{{}}} pending [{}]",
            quoted(&bytes(&get(&group, "name"))),
            text(&get(&group, "last-delivered-id")),
            consumers.join(", "),
            pending.join(", ")
        ));
    }
    groups.sort();
    for group in groups {
        shown.push_str(", ");
        shown.push_str(&group);
    }
    (shown.into(), hidden)
}
