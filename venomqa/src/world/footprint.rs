use serde_json::Value as Json;
use venomqa_adapters::Value;

use super::stage::Stage;
use crate::Cookies;
use crate::explorer::Footprint;

/// What the last action left, place by place, each place named as [`World::ignore`](crate::World::ignore) takes it.
impl Stage {
    pub(super) fn places(&mut self) -> Footprint {
        let mut places = Footprint::new();
        for (system, changes) in self.last.changes.iter().enumerate() {
            for change in changes {
                let Some(new) = &change.new else { continue };
                for (column, value) in new.iter().enumerate() {
                    let old = change.old.as_ref().and_then(|old| old.get(column));
                    if old == Some(value) || self.identity.leaves_out(system, &change.table, column)
                    {
                        continue;
                    }
                    let place = format!("{}.{}", change.table.name, change.table.columns[column]);
                    add_cell(&mut places, place, value);
                }
            }
        }
        let keys = self.context.entries();
        for (key, value) in keys.filter(|(key, _)| !self.identity.leaves_out_key(key)) {
            add(&mut places, format!("context.{key}"), value);
        }
        if !self.identity.leaves_out_cookies() {
            for (_, name, value) in self.cookies.iter().flat_map(Cookies::iter) {
                let values = places.entry("cookies".into()).or_default();
                values.push(format!("{name}={value}"));
            }
        }
        if let Some(observed) = &self.last.observed {
            add(&mut places, "observed".into(), observed);
        }
        places.retain(|place, _| !self.identity.ignores(place));
        places
            .values_mut()
            .for_each(|values| values.sort_unstable());
        places
    }
}

/// Adds a value of a column, which may be a JSON document.
fn add_cell(places: &mut Footprint, place: String, value: &Value) {
    let document = match value {
        Value::Text(text) if text.starts_with('{') => serde_json::from_str(text).ok(),
        _ => None,
    };
    match document {
        Some(document) => add(places, place, &document),
        None => places.entry(place).or_default().push(value.to_string()),
    }
}

/// Adds what is in a document, member by member. An array is one place: its length may differ.
fn add(places: &mut Footprint, place: String, document: &Json) {
    match document {
        Json::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                add(places, format!("{place}/{name}"), member);
            }
        }
        leaf => places.entry(place).or_default().push(leaf.to_string()),
    }
}
