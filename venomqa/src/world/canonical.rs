//! Values as bytes and hashes: equal values are written alike, different ones never.

use serde_json::Value as Json;
use venomqa_adapters::Value;
use xxhash_rust::xxh3::xxh3_128;

pub(super) fn named(kind: &[u8], name: &str, hash: u128) -> u128 {
    let mut bytes = Vec::with_capacity(kind.len() + name.len() + 18);
    bytes.extend(kind);
    bytes.push(0);
    bytes.extend(name.as_bytes());
    bytes.push(0);
    bytes.extend(hash.to_le_bytes());
    xxh3_128(&bytes)
}

/// Writes a value so that no two different rows of a table are written alike.
pub(super) fn feed(buffer: &mut Vec<u8>, value: &Value) {
    let mut sized = |tag: u8, bytes: &[u8]| {
        buffer.push(tag);
        buffer.extend((bytes.len() as u64).to_le_bytes());
        buffer.extend(bytes);
    };
    match value {
        Value::Decimal(text) => sized(b'd', text.as_bytes()),
        Value::Text(text) => sized(b't', text.as_bytes()),
        Value::Bytes(bytes) => sized(b'x', bytes),
        Value::Null => buffer.push(b'n'),
        Value::Bool(value) => buffer.extend([b'b', u8::from(*value)]),
        Value::Int(value) => {
            buffer.push(b'i');
            buffer.extend(value.to_le_bytes());
        }
        Value::Float(value) => {
            buffer.push(b'f');
            buffer.extend(value.to_bits().to_le_bytes());
        }
    }
}

pub(super) fn feed_without(buffer: &mut Vec<u8>, value: &Value, pointers: &[String]) {
    let parsed = match value {
        Value::Text(text) => serde_json::from_str::<Json>(text).ok(),
        _ => None,
    };
    let Some(mut document) = parsed else {
        return feed(buffer, value);
    };
    pointers
        .iter()
        .for_each(|pointer| remove(&mut document, pointer));
    buffer.push(b'j');
    buffer.extend(hash_json(&document).to_le_bytes());
}

/// Removes what a JSON pointer (RFC 6901) points at.
pub(super) fn remove(document: &mut Json, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        return;
    };
    let last = last.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Json::Object(map)) => drop(map.remove(&last)),
        Some(Json::Array(items)) => {
            if let Some(item) = last
                .parse()
                .ok()
                .and_then(|index: usize| items.get_mut(index))
            {
                *item = Json::Null;
            }
        }
        _ => {}
    }
}

/// The hash of a JSON value; the order of an object's members does not matter.
pub(super) fn hash_json(value: &Json) -> u128 {
    match value {
        Json::Null => xxh3_128(b"n"),
        Json::Bool(value) => xxh3_128(if *value { b"b1" } else { b"b0" }),
        Json::Number(number) => named(b"number", &number.to_string(), 0),
        Json::String(text) => named(b"text", "", xxh3_128(text.as_bytes())),
        Json::Array(items) => {
            let bytes: Vec<u8> = items
                .iter()
                .flat_map(|item| hash_json(item).to_le_bytes())
                .collect();
            named(b"array", "", xxh3_128(&bytes))
        }
        Json::Object(members) => {
            let sum = members.iter().fold(0_u128, |sum, (name, value)| {
                sum.wrapping_add(named(b"member", name, hash_json(value)))
            });
            named(b"object", "", sum)
        }
    }
}
