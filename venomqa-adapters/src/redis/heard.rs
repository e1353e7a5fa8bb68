use std::collections::HashSet;

use redis::{PushInfo, PushKind, Value};

/// What the server told of the keys that others wrote.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// A database was emptied, or nobody listened for a while: any key may have changed.
    pub(super) everything: bool,
    /// Keys that changed in one database or another.
    pub(super) keys: HashSet<Vec<u8>>,
    /// Somebody used a command that changes streams and is not announced.
    pub(super) streams: bool,
}

impl Heard {
    pub(super) fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    /// Takes in a message of the server.
    pub(super) fn hear(&mut self, message: PushInfo) {
        if message.kind != PushKind::Invalidate {
            return;
        }
        match message.data.into_iter().next() {
            Some(Value::Array(keys)) => {
                let names = keys.into_iter().filter_map(|key| match key {
                    Value::BulkString(name) => Some(name),
                    _ => None,
                });
                self.keys.extend(names);
            }
            // Without names: a database was emptied.
            _ => self.everything = true,
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.everything |= other.everything;
        self.streams |= other.streams;
        self.keys.extend(other.keys);
    }

    pub(super) fn is_nothing(&self) -> bool {
        !self.everything && !self.streams && self.keys.is_empty()
    }
}
