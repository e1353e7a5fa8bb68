use redis::{FromRedisValue, Value as Reply};

use super::text::{list, quote};

/// A stream in full, from what `XINFO STREAM … FULL` tells: entries, counters, groups with their consumers and what is pending.
///
/// The moments at which entries were delivered and consumers seen are left out: they follow the clock.
pub(super) fn shown_stream(answer: &Reply) -> Option<String> {
    let mut text = String::new();
    let entries: Vec<(String, Vec<Vec<u8>>)> = read(answer, "entries")?;
    list(&mut text, ['[', ']'], entries, |text, (id, fields)| {
        text.push_str(&id);
        text.push(' ');
        list(text, ['{', '}'], fields.chunks(2), |text, pair| {
            quote(text, &pair[0]);
            text.push_str(": ");
            quote(text, pair.get(1).map_or(&[], Vec::as_slice));
        });
    });
    for (name, shown) in [
        ("last-generated-id", "last"),
        ("entries-added", "added"),
        ("max-deleted-entry-id", "deleted up to"),
    ] {
        // Redis 6 keeps only the first.
        if let Some(value) = read::<String>(answer, name) {
            text.push_str(&format!(", {shown} {value}"));
        }
    }
    let mut groups: Vec<_> = field(answer, "groups")?
        .as_sequence()?
        .iter()
        .map(shown_group)
        .collect::<Option<_>>()?;
    groups.sort_unstable();
    for group in groups {
        text.push_str(", ");
        text.push_str(&group);
    }
    Some(text)
}

fn shown_group(group: &Reply) -> Option<String> {
    let mut text = String::from("group ");
    quote(&mut text, &read::<Vec<u8>>(group, "name")?);
    let delivered: String = read(group, "last-delivered-id")?;
    text.push_str(&format!(" at {delivered}"));
    if let Some(Some(count)) = read::<Option<i64>>(group, "entries-read") {
        text.push_str(&format!(" ({count} read)"));
    }
    let mut consumers: Vec<Vec<u8>> = field(group, "consumers")?
        .as_sequence()?
        .iter()
        .map(|consumer| read(consumer, "name"))
        .collect::<Option<_>>()?;
    consumers.sort_unstable();
    text.push_str(" of ");
    list(&mut text, ['{', '}'], consumers, |text, name| {
        quote(text, &name);
    });
    let pending: Vec<(String, Vec<u8>, i64, i64)> = read(group, "pending")?;
    text.push_str(" pending ");
    list(
        &mut text,
        ['[', ']'],
        pending,
        |text, (id, owner, _, count)| {
            text.push_str(&id);
            text.push_str(" of ");
            quote(text, &owner);
            text.push_str(&format!(" ({count} deliveries)"));
        },
    );
    Some(text)
}

fn field<'a>(map: &'a Reply, name: &str) -> Option<&'a Reply> {
    let is_it = |key: &Reply| match key {
        Reply::BulkString(bytes) => bytes == name.as_bytes(),
        Reply::SimpleString(text) => text == name,
        _ => false,
    };
    let mut fields = map.as_map_iter()?;
    fields.find(|(key, _)| is_it(key)).map(|(_, value)| value)
}

fn read<T: FromRedisValue>(map: &Reply, name: &str) -> Option<T> {
    redis::from_redis_value_ref(field(map, name)?).ok()
}
