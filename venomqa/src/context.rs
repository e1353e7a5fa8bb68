use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Result};

/// What actions remember for later actions: ids, tokens, anything with a JSON form.
///
/// The context travels with the branch. It is saved and rolled back together with the databases, and it is part of what identifies a
/// state.
///
/// ```
/// # use venomqa::{Context, Result};
/// # fn check() -> Result<()> {
/// let mut ctx = Context::default();
/// ctx.set("order_id", 7);
/// let id: i64 = ctx.require("order_id")?;
/// assert_eq!(id, 7);
/// assert_eq!(ctx.get::<String>("coupon")?, None);
/// # Ok(()) }
/// # check().unwrap();
/// ```
#[derive(Debug, Default)]
pub struct Context {
    // Shared with every checkpoint; copied only when a branch sets a key.
    values: Arc<BTreeMap<String, Value>>,
    // Whether a required key was missing: an error type of the user's own may hide that.
    missed: AtomicBool,
}

impl Clone for Context {
    fn clone(&self) -> Self {
        Self {
            values: Arc::clone(&self.values),
            missed: AtomicBool::new(false),
        }
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Context {
    /// The value of a key, or `None` if it was never set or holds `null`, as after `ctx.set("id", answer["id"].clone())` of an
    /// answer that has no `id`.
    ///
    /// # Errors
    ///
    /// The value is there, but is of another type: that is an error of the test, not a state in which an action does not apply.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.present(key) else {
            return Ok(None);
        };
        T::deserialize(value)
            .map(Some)
            .map_err(|source| Error::WrongType {
                key: key.into(),
                found: value.to_string(),
                wanted: std::any::type_name::<T>(),
                source,
            })
    }

    /// The value of a key that must be there. In an action, `ctx.require("order_id")?` says: this action applies only
    /// in states that have an `order_id`.
    ///
    /// # Errors
    ///
    /// [`Error::MissingKey`], or [`Error::WrongType`] as in [`get`](Context::get).
    pub fn require<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        self.get(key)?.ok_or_else(|| {
            self.missed.store(true, Ordering::Relaxed);
            Error::MissingKey { key: key.into() }
        })
    }

    /// Sets a key.
    ///
    /// # Panics
    ///
    /// The value has no JSON form (a map whose keys are not strings, a `Serialize` that fails).
    pub fn set(&mut self, key: impl Into<String>, value: impl Serialize) {
        let key = key.into();
        match serde_json::to_value(value) {
            Ok(value) => {
                if self.values.get(&key) != Some(&value) {
                    Arc::make_mut(&mut self.values).insert(key, value);
                }
            }
            Err(source) => panic!("context key `{key}` cannot hold this value: {source}"),
        }
    }

    /// Whether a key is set, to something else than `null`.
    pub fn has(&self, key: &str) -> bool {
        self.present(key).is_some()
    }

    fn present(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// Removes a key, and returns the value that it had.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        if !self.values.contains_key(key) {
            return None;
        }
        Arc::make_mut(&mut self.values).remove(key)
    }

    /// The keys that are set, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether a required key was missing since [`clear_missed`](Context::clear_missed).
    pub(crate) fn has_missed(&self) -> bool {
        self.missed.load(Ordering::Relaxed)
    }

    pub(crate) fn clear_missed(&mut self) {
        *self.missed.get_mut() = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_does_not_see_what_its_sibling_set() {
        let mut parent = Context::default();
        parent.set("a", 1);
        let mut branch = parent.clone();
        branch.set("b", "x");
        branch.remove("a");
        assert_eq!(parent.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(branch.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn null_counts_as_missing() {
        let mut ctx = Context::default();
        ctx.set("id", Value::Null);
        assert!(!ctx.has("id"));
        assert!(matches!(
            ctx.require::<Value>("id"),
            Err(Error::MissingKey { .. })
        ));
        assert_eq!(ctx.get::<Option<i64>>("id").unwrap(), None);
    }

    #[test]
    fn a_missing_key_and_a_wrong_type_are_different_errors() {
        let mut ctx = Context::default();
        ctx.set("id", "seven");
        assert!(matches!(
            ctx.require::<i64>("nothing"),
            Err(Error::MissingKey { .. })
        ));
        assert!(matches!(
            ctx.require::<i64>("id"),
            Err(Error::WrongType { .. })
        ));
        assert!(matches!(ctx.get::<i64>("id"), Err(Error::WrongType { .. })));
    }
}
