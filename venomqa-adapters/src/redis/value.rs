use std::hash::{DefaultHasher, Hash, Hasher};

use redis::{Cmd, FromRedisValue, Value as Reply, cmd};

use super::options::Ignored;
use super::stream::shown_stream;
use super::text::{list, quote, text_or_bytes};
use crate::Value;

/// The type of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    Hash,
    List,
    Set,
    SortedSet,
    Stream,
    /// A type of a module, by its name.
    Other(String),
}

impl Kind {
    /// The type that `TYPE` names.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "string" => Self::String,
            "hash" => Self::Hash,
            "list" => Self::List,
            "set" => Self::Set,
            "zset" => Self::SortedSet,
            "stream" => Self::Stream,
            other => Self::Other(other.into()),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::String => "string",
            Self::Hash => "hash",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "zset",
            Self::Stream => "stream",
            Self::Other(name) => name,
        }
    }

    /// Whether a client can wait for a key of this type, and may change it as soon as it is there.
    pub(super) fn is_waited_for(&self) -> bool {
        matches!(self, Self::List | Self::SortedSet | Self::Stream)
    }

    /// The command that reads the whole value. There is none for a type that only its module knows.
    pub(super) fn reading(&self, key: &[u8]) -> Option<Cmd> {
        let mut command = match self {
            Self::String => cmd("GET"),
            Self::Hash => cmd("HGETALL"),
            Self::List => cmd("LRANGE"),
            Self::Set => cmd("SMEMBERS"),
            Self::SortedSet => cmd("ZRANGE"),
            Self::Stream => {
                let mut all = cmd("XINFO");
                all.arg("STREAM").arg(key).arg("FULL").arg("COUNT").arg(0);
                return Some(all);
            }
            Self::Other(_) => return None,
        };
        command.arg(key);
        match self {
            Self::List => drop(command.arg(0).arg(-1)),
            Self::SortedSet => drop(command.arg(0).arg(-1).arg("WITHSCORES")),
            _ => {}
        }
        Some(command)
    }

    /// The value that identifies what a key holds, the same for the same contents however the server keeps them. `None` where the
    /// answer does not fit the type: somebody wrote in between.
    pub(super) fn shown(&self, key: &[u8], answer: Reply, ignored: &Ignored) -> Option<Value> {
        let mut text = String::new();
        match self {
            Self::String => return read::<Option<Vec<u8>>>(answer)?.map(shown_string),
            Self::List => {
                let items = some::<Vec<u8>>(answer)?;
                list(&mut text, ['[', ']'], items, |text, item| {
                    quote(text, &item)
                });
            }
            Self::Set => {
                let mut members = some::<Vec<u8>>(answer)?;
                members.sort_unstable();
                list(&mut text, ['{', '}'], members, |text, member| {
                    quote(text, &member);
                });
            }
            Self::Hash => {
                let mut fields = some::<(Vec<u8>, Vec<u8>)>(answer)?;
                fields.retain(|(field, _)| !ignored.has_field(key, field));
                fields.sort_unstable();
                list(&mut text, ['{', '}'], fields, |text, (field, value)| {
                    quote(text, &field);
                    text.push_str(": ");
                    quote(text, &value);
                });
            }
            Self::SortedSet => {
                // The server's order is by score, then by member.
                let members = some::<(Vec<u8>, f64)>(answer)?;
                list(&mut text, ['{', '}'], members, |text, (member, score)| {
                    quote(text, &member);
                    text.push_str(": ");
                    text.push_str(&score.to_string());
                });
            }
            Self::Stream => text = shown_stream(&answer)?,
            Self::Other(_) => return None,
        }
        Some(text.into())
    }
}

/// What a `DUMP` of a module's type has before the version and the checksum.
pub(super) fn shown_payload(payload: &[u8]) -> Value {
    payload[..payload.len().saturating_sub(10)].into()
}

/// Identifies a value, also for another process.
pub(super) fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn shown_string(mut bytes: Vec<u8>) -> Value {
    // A HyperLogLog remembers its count when it is asked for it, so that reading would change the state.
    let is_hyperloglog =
        bytes.len() >= 16 && bytes.starts_with(b"HYLL") && bytes[4] <= 1 && bytes[5..8] == [0; 3];
    if is_hyperloglog {
        bytes[8..16].fill(0);
    }
    text_or_bytes(&bytes)
}

fn read<T: FromRedisValue>(answer: Reply) -> Option<T> {
    redis::from_redis_value(answer).ok()
}

/// The elements of a collection, which is never empty.
fn some<T: FromRedisValue>(answer: Reply) -> Option<Vec<T>> {
    read::<Vec<T>>(answer).filter(|items| !items.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Reply {
        Reply::BulkString(text.into())
    }

    fn check(kind: Kind, answers: &[Reply], shown: &str) {
        for answer in answers {
            let value = kind.shown(b"key", answer.clone(), &Ignored::default());
            assert_eq!(value, Some(shown.into()), "{answer:?}");
        }
    }

    #[test]
    fn the_order_and_the_protocol_do_not_show() {
        check(
            Kind::Set,
            &[
                Reply::Set(vec![bulk("b"), bulk("a")]),
                Reply::Array(vec![bulk("a"), bulk("b")]),
            ],
            "{\"a\", \"b\"}",
        );
        check(
            Kind::Hash,
            &[
                Reply::Map(vec![(bulk("b"), bulk("2")), (bulk("a"), bulk("1"))]),
                Reply::Array(vec![bulk("a"), bulk("1"), bulk("b"), bulk("2")]),
            ],
            "{\"a\": \"1\", \"b\": \"2\"}",
        );
        let pair = |member, score| Reply::Array(vec![bulk(member), Reply::Double(score)]);
        check(
            Kind::SortedSet,
            &[
                Reply::Array(vec![pair("m", 0.1), pair("n", f64::INFINITY)]),
                Reply::Array(vec![bulk("m"), bulk("0.1"), bulk("n"), bulk("inf")]),
            ],
            "{\"m\": 0.1, \"n\": inf}",
        );
    }

    #[test]
    fn an_answer_that_does_not_fit_is_none() {
        let ignored = Ignored::default();
        let shown = |kind: Kind, answer| kind.shown(b"key", answer, &ignored);
        assert_eq!(shown(Kind::String, Reply::Nil), None);
        assert_eq!(shown(Kind::Hash, Reply::Array(Vec::new())), None);
        assert_eq!(shown(Kind::Stream, Reply::Nil), None);
    }

    #[test]
    fn an_ignored_field_is_not_told() {
        let ignored = Ignored {
            fields: vec![("order:*".into(), "at".into())],
            ..Ignored::default()
        };
        let answer = Reply::Map(vec![(bulk("at"), bulk("12:00")), (bulk("n"), bulk("1"))]);
        let shown = |key: &[u8]| Kind::Hash.shown(key, answer.clone(), &ignored);
        assert_eq!(shown(b"order:1"), Some("{\"n\": \"1\"}".into()));
        assert_eq!(
            shown(b"user:1"),
            Some("{\"at\": \"12:00\", \"n\": \"1\"}".into())
        );
    }

    #[test]
    fn counting_a_hyperloglog_does_not_show() {
        let sketch = |cached: &[u8]| {
            let mut bytes = b"HYLL\x01\0\0\0".to_vec();
            bytes.extend(cached);
            bytes.extend(b"\x7f\xff");
            shown_string(bytes)
        };
        assert_eq!(
            sketch(&[0, 0, 0, 0, 0, 0, 0, 0x80]),
            sketch(&[7, 0, 0, 0, 0, 0, 0, 0])
        );
        assert_eq!(
            shown_string(b"HYLL, he said, and left".into()),
            "HYLL, he said, and left".into()
        );
    }
}
